import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Seams

/// Reads one connection's requests, one after the other.
///
/// `@unchecked Sendable`: a connection has one reader at a time: its loop, or the handler that pulls the body of the
/// request which the loop waits for.
final class RequestReader: @unchecked Sendable {
  typealias Inbound = NIOAsyncChannelInboundStream<HTTPRequestPart>
  typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPResponsePart>

  private var iterator: Inbound.AsyncIterator
  private let outbound: Outbound
  /// Whether the part that ends the current request is still to come.
  private(set) var isInsideBody = false
  /// Whether the peer waits for "100 Continue" before it sends the body (RFC 9110 §10.1.1).
  private(set) var peerAwaitsContinue = false

  init(_ inbound: Inbound, answering outbound: Outbound) {
    iterator = inbound.makeAsyncIterator()
    self.outbound = outbound
  }

  /// The next request's head, `nil` when the peer has no more. The body before it must have been read.
  func nextHead() async throws -> HTTPRequest? {
    let part: HTTPRequestPart?
    do {
      part = try await iterator.next(isolation: nil)
    } catch {
      throw error is IOError || error is ChannelError || error is CancellationError ? error : InvalidRequest(error)
    }
    guard let part else { return nil }
    guard case .head(let head) = part else { throw UnexpectedRequestPart() }
    isInsideBody = true
    peerAwaitsContinue = head.headerFields[.expect]?.lowercased() == "100-continue"
    return head
  }

  /// The body of the request that began with `head`: whole when it is declared to be short.
  func body(of head: HTTPRequest, wholeBodyLimit: Int) async throws -> HTTPBody {
    let fields = head.headerFields
    guard let declared = fields[.contentLength] else {
      if fields[.transferEncoding] != nil { return .stream(HTTPBodyStream(RequestBodyParts(reader: self))) }
      peerAwaitsContinue = false
      let unexpected = try await nextPart()
      guard unexpected == nil else { throw UnexpectedRequestPart() }
      return .empty
    }
    guard let length = Int(declared), length <= wholeBodyLimit else {
      return .stream(HTTPBodyStream(RequestBodyParts(reader: self)))
    }
    guard var whole = try await nextPart() else { return .empty }
    while var part = try await nextPart() { whole.writeBuffer(&part) }
    return .bytes(whole)
  }

  /// The next part of the body, `nil` at its end.
  ///
  /// - Throws: ``BodyCutOff`` when the peer closed the connection inside the body; NIO's parser error.
  func nextPart() async throws -> ByteBuffer? {
    guard isInsideBody else { return nil }
    if peerAwaitsContinue {
      peerAwaitsContinue = false
      try await outbound.write(.head(HTTPResponse(status: .continue)))
    }
    switch try await iterator.next(isolation: nil) {
    case .body(let buffer): return buffer
    case .end:
      isInsideBody = false
      return nil
    case .head: throw UnexpectedRequestPart()
    case nil: throw BodyCutOff()
    }
  }

  /// Reads and drops whatever comes, until the peer closes.
  func discardEverything() async throws {
    while try await iterator.next(isolation: nil) != nil {}
  }
}

/// The parts of a request's body, in order.
struct RequestBodyParts: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  let reader: RequestReader

  func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

  struct Iterator: AsyncIteratorProtocol {
    let reader: RequestReader

    mutating func next() async throws -> ByteBuffer? { try await reader.nextPart() }
  }
}

/// The peer closed the connection before the end of a request's body.
struct BodyCutOff: Error, CustomStringConvertible {
  var description: String { "the connection was closed before the end of the request's body" }
}

/// The peer sent what is no HTTP/1.1 request.
struct InvalidRequest: Error {
  /// Whether it is the size or the number of the header fields that is wrong.
  let isHeaderOverflow: Bool

  init(_ cause: any Error) {
    isHeaderOverflow = (cause as? HTTPParserError) == .headerOverflow
  }
}

/// The decoder produced parts in an order that HTTP does not have.
struct UnexpectedRequestPart: Error, CustomStringConvertible {
  var description: String { "a part of a request came out of order" }
}
