package import HTTPTypes
import NIOCore
package import Seams
import Synchronization

/// A transport that plays what a test wrote down, one turn for each request.
package final class FixtureTransport: HTTPTransport {
  /// What becomes of a request.
  package enum Turn: Sendable {
    /// This comes back after a while.
    case answer(Int, String, fields: HTTPFields = [:], after: Duration = .zero)
    /// The head comes back, and the body ends early.
    case cut(Int)
    /// Nothing comes back.
    case silence
    /// No connection, or one that breaks.
    case fails(HTTPTransportError.Code)
    /// The body begins and never ends.
    case hangs(Int)
  }

  /// A request as it was sent.
  package struct Sent: Sendable {
    /// When, from the beginning of the run.
    package var at: Duration
    package var head: HTTPRequest
    package var body: String
    /// How long the caller would have waited.
    package var allowed: Duration
  }

  private let log = Mutex<[Sent]>([])
  private let clock: any MonotonicClock
  private let turns: Mutex<ArraySlice<Turn>>
  private let last: Turn

  /// - Parameter turns: played in their order; the last one again and again.
  package init(clock: any MonotonicClock, _ turns: [Turn]) {
    self.clock = clock
    self.turns = Mutex(turns[...])
    last = turns[turns.count - 1]
  }

  /// The requests, in their order.
  package var sent: [Sent] { log.withLock { $0 } }

  package func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    let sent = Sent(
      at: .nanoseconds(clock.now.nanoseconds), head: request.head,
      body: String(buffer: try await request.body.collect(upTo: 1 << 20)), allowed: clock.now.duration(to: deadline))
    log.withLock { $0.append(sent) }
    switch turns.withLock({ $0.popFirst() }) ?? last {
    case .answer(let status, let body, let fields, let pause):
      guard pause < clock.now.duration(to: deadline) else { return try await silence(until: deadline) }
      if pause > .zero { try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil) }
      return Self.response(status, .bytes(ByteBuffer(string: body)), fields)
    case .cut(let status):
      return Self.response(
        status, .stream(HTTPBodyStream(Body(error: HTTPTransportError(.malformedResponse, "cut"), clock: clock))))
    case .hangs(let status):
      return Self.response(status, .stream(HTTPBodyStream(Body(error: nil, clock: clock))))
    case .silence: return try await silence(until: deadline)
    case .fails(let code): throw HTTPTransportError(code, "as the test says")
    }
  }

  private func silence(until deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    try await clock.sleep(until: deadline, tolerance: nil)
    throw HTTPTransportError(.deadlineExceeded, "no answer in time")
  }

  private static func response(_ status: Int, _ body: HTTPBody, _ fields: HTTPFields = [:]) -> HTTPResponseMessage {
    var fields = fields
    if fields[.contentType] == nil {
      fields[.contentType] = status < 300 ? "application/json" : "application/problem+json"
    }
    return HTTPResponseMessage(head: HTTPResponse(status: .init(code: status), headerFields: fields), body: body)
  }

  /// Begins like a body, then fails, or comes to no end.
  private struct Body: AsyncSequence, AsyncIteratorProtocol, Sendable {
    var isBegun = false
    let error: HTTPTransportError?
    let clock: any MonotonicClock

    init(error: HTTPTransportError?, clock: any MonotonicClock) {
      self.error = error
      self.clock = clock
    }

    func makeAsyncIterator() -> Body { self }

    mutating func next() async throws -> ByteBuffer? {
      if isBegun {
        if let error { throw error }
        try await clock.sleep(until: .distantFuture, tolerance: nil)
      }
      isBegun = true
      return ByteBuffer(string: "{\"a\":")
    }
  }
}

extension FixtureTransport.Turn {
  /// A problem document with more `members`, each after a comma.
  package static func problem(_ status: Int, _ code: String, _ members: String = "") -> FixtureTransport.Turn {
    .answer(
      status,
      #"{"type":"urn:zoco:problem:\#(code)","status":\#(status),"code":"\#(code)","detail":"so"\#(members)}"#)
  }
}
