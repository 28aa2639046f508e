import HTTPTypes
import NIOCore
import Seams

/// Drops the connection in place of an answer that carries the mark ``HTTPTypes/HTTPField/Name/dropConnection``.
///
/// A handler always answers; what it can do is to begin an answer and to fail within its body, which closes a live
/// connection and resets a simulated one before the answer is whole.
struct ConnectionDropper: HTTPHandler {
  let handler: any HTTPHandler

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    var response = await handler.handle(request, from: peer)
    guard response.head.headerFields[.dropConnection] != nil else { return response }
    response.head.headerFields[.dropConnection] = nil
    // More than comes: a peer that takes the end of the connection for the end of the body must not be satisfied.
    response.head.headerFields[.contentLength] = "1"
    response.body = .stream(HTTPBodyStream(CutBody()))
    return response
  }

  func answer(toUnreadable request: UnreadableHTTPRequest, from peer: HTTPPeer) async -> HTTPResponseMessage {
    await handler.answer(toUnreadable: request, from: peer)
  }
}

extension HTTPField.Name {
  /// Marks an answer that must not arrive.
  static let dropConnection = HTTPField.Name("Zoco-Sandbox-Drop-Connection")!
}

/// A body that fails where its first part should be.
private struct CutBody: AsyncSequence, AsyncIteratorProtocol, Sendable {
  typealias Element = ByteBuffer

  struct Cut: Error {}

  func makeAsyncIterator() -> CutBody { self }

  mutating func next() async throws -> ByteBuffer? { throw Cut() }
}
