import AsyncHTTPClient
import NIOCore
import Seams

/// A response's body under its request's deadline, with the client's errors as the seam's.
struct ResponseBodyParts: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  let body: HTTPClientResponse.Body
  let peer: String
  let timer: DeadlineTimer

  func makeAsyncIterator() -> Iterator {
    Iterator(parts: Cursor(body.makeAsyncIterator()), peer: peer, timer: timer)
  }

  /// The whole body, its deadline armed once.
  func collect() async throws -> ByteBuffer {
    let parts = Cursor(body.makeAsyncIterator())
    return try await timer.bounding("the body from \(peer) did not end in time") {
      do {
        guard var whole = try await parts.next() else { return ByteBuffer() }
        while var part = try await parts.next() { whole.writeBuffer(&part) }
        return whole
      } catch {
        throw HTTPTransportError.mapping(error, from: peer, phase: .body)
      }
    }
  }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate let parts: Cursor
    let peer: String
    let timer: DeadlineTimer

    mutating func next() async throws -> ByteBuffer? {
      let (parts, peer) = (parts, peer)
      return try await timer.bounding("the body from \(peer) did not end in time") {
        do {
          return try await parts.next()
        } catch {
          throw HTTPTransportError.mapping(error, from: peer, phase: .body)
        }
      }
    }
  }

  /// `@unchecked Sendable`: a body has one reader, which asks for a part after it received the one before.
  fileprivate final class Cursor: @unchecked Sendable {
    private var base: HTTPClientResponse.Body.AsyncIterator

    init(_ base: HTTPClientResponse.Body.AsyncIterator) { self.base = base }

    func next() async throws -> ByteBuffer? {
      try await base.next(isolation: nil)
    }
  }
}

/// Ends an operation at a point on a clock.
struct DeadlineTimer: Sendable {
  let clock: any MonotonicClock
  let deadline: MonotonicInstant

  /// Runs `operation`, cancelled at the deadline.
  ///
  /// - Throws: what `operation` throws; ``HTTPTransportError/Code/deadlineExceeded`` when the deadline came first.
  func bounding<Value: Sendable>(
    _ message: String, _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard deadline != .distantFuture else { return try await operation() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await operation() }
      group.addTask {
        // Cancelled when the operation was faster.
        try? await clock.sleep(until: deadline, tolerance: nil)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let value = first else {
        try Task.checkCancellation()
        throw HTTPTransportError(.deadlineExceeded, message)
      }
      return value
    }
  }
}
