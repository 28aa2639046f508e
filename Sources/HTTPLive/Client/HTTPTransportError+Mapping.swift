import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Seams

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension HTTPTransportError {
  /// How far the exchange had come.
  enum Phase {
    /// The response's head had not arrived.
    case head
    /// The head had arrived, the body was not at its end.
    case body
  }

  /// What the client's error means at the seam; `CancellationError` when the task was cancelled.
  static func mapping(_ error: any Error, from peer: String, phase: Phase) -> any Error {
    if error is CancellationError { return error }
    if let error = error as? HTTPTransportError { return error }
    if let error = error as? HTTPClientError { return mapping(error, from: peer, phase: phase) }
    if error is HTTPParserError {
      return HTTPTransportError(.malformedResponse, "what \(peer) sent is not an HTTP response", cause: error)
    }
    if let error = error as? NIOConnectionError {
      let hasAddress = error.dnsAError == nil && error.dnsAAAAError == nil
      let reason = hasAddress ? "nobody accepts connections at \(peer)" : "\(peer) has no address"
      return HTTPTransportError(.connectionRefused, reason, cause: error)
    }
    switch error as? ChannelError {
    case .connectTimeout: return HTTPTransportError(.connectTimeout, "no connection to \(peer) in time", cause: error)
    default: break
    }
    if let error = error as? IOError, error.errnoCode == ECONNREFUSED {
      return HTTPTransportError(.connectionRefused, "nobody accepts connections at \(peer)", cause: error)
    }
    return HTTPTransportError(.connectionReset, "the connection to \(peer) broke", cause: error)
  }

  private static func mapping(_ error: HTTPClientError, from peer: String, phase: Phase) -> any Error {
    switch error {
    case .cancelled: CancellationError()
    case .deadlineExceeded, .readTimeout, .writeTimeout:
      HTTPTransportError(.deadlineExceeded, "no answer from \(peer) in time", cause: error)
    case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
      HTTPTransportError(.connectTimeout, "no connection to \(peer) in time", cause: error)
    case .invalidURL, .emptyHost, .emptyScheme:
      HTTPTransportError(.connectionRefused, "\"\(peer)\" is no address", cause: error)
    case .remoteConnectionClosed where phase == .body:
      HTTPTransportError(.malformedResponse, "the body from \(peer) ended before its declared length", cause: error)
    case .contentLengthMissing:
      HTTPTransportError(.malformedResponse, "what \(peer) sent is not an HTTP response", cause: error)
    default: HTTPTransportError(.connectionReset, "the connection to \(peer) broke", cause: error)
    }
  }
}
