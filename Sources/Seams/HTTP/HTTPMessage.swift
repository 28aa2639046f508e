public import HTTPTypes
public import NIOCore

/// A request as it crosses the HTTP seam: its head and its body.
public struct HTTPRequestMessage: Sendable {
  /// Method, scheme, authority, path and header fields. Towards a transport, `authority` names the peer (`host:port`).
  public var head: HTTPRequest
  /// What follows the head.
  public var body: HTTPBody

  /// A request with `head` and `body`.
  public init(head: HTTPRequest, body: HTTPBody = .empty) {
    self.head = head
    self.body = body
  }
}

/// A response as it crosses the HTTP seam: its head and its body.
public struct HTTPResponseMessage: Sendable {
  /// Status and header fields.
  public var head: HTTPResponse
  /// What follows the head.
  public var body: HTTPBody

  /// A response with `head` and `body`.
  public init(head: HTTPResponse, body: HTTPBody = .empty) {
    self.head = head
    self.body = body
  }
}

/// A message body: whole in memory, or a stream of buffers that the reader pulls (back-pressure is its pulling).
public enum HTTPBody: Sendable {
  /// The whole body. An empty buffer is "no body".
  case bytes(ByteBuffer)
  /// Buffers in order, read once.
  case stream(HTTPBodyStream)

  /// No body.
  public static let empty = HTTPBody.bytes(ByteBuffer())

  /// Reads the body to its end into one buffer.
  ///
  /// - Parameter limit: the most bytes to accept.
  /// - Throws: ``HTTPBodyTooLarge`` past `limit`; whatever the stream throws when the peer fails.
  public func collect(upTo limit: Int) async throws -> ByteBuffer {
    switch self {
    case .bytes(let buffer):
      guard buffer.readableBytes <= limit else { throw HTTPBodyTooLarge(limit: limit) }
      return buffer
    case .stream(let stream):
      var whole = ByteBuffer()
      for try await var part in stream {
        guard whole.readableBytes + part.readableBytes <= limit else { throw HTTPBodyTooLarge(limit: limit) }
        whole.writeBuffer(&part)
      }
      return whole
    }
  }
}

/// A body exceeded what its reader accepts.
public struct HTTPBodyTooLarge: Error, Sendable, Hashable {
  /// The most bytes the reader accepts.
  public var limit: Int

  /// A body of more than `limit` bytes.
  public init(limit: Int) {
    self.limit = limit
  }
}

/// A body that arrives in parts. Iterate it once; the next part is produced when it is asked for.
public struct HTTPBodyStream: AsyncSequence, Sendable {
  /// A part of the body.
  public typealias Element = ByteBuffer

  private let pull: @Sendable () async throws -> ByteBuffer?

  /// A stream over any sequence of buffers, whose one iterator is made now.
  public init<Base: AsyncSequence & Sendable>(_ base: Base) where Base.Element == ByteBuffer {
    let cursor = Cursor(base.makeAsyncIterator())
    pull = { try await cursor.next() }
  }

  /// An iterator over the parts; a body is read once.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(pull: pull)
  }

  /// Reads one part after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let pull: @Sendable () async throws -> ByteBuffer?

    /// The next part, `nil` at the end of the body.
    public mutating func next() async throws -> ByteBuffer? {
      try await pull()
    }
  }

  /// `@unchecked Sendable`: a body has one reader, which asks for a part after it received the one before.
  private final class Cursor<Base: AsyncIteratorProtocol>: @unchecked Sendable where Base.Element == ByteBuffer {
    private var base: Base

    init(_ base: Base) { self.base = base }

    func next() async throws -> ByteBuffer? {
      try await base.next()
    }
  }
}
