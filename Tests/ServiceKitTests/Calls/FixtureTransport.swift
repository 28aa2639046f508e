import FoundationEssentials
import HTTPTypes
import Logging
import NIOCore
import Seams
import ServiceKit
import Synchronization

/// A transport that plays what a test wrote down, one turn for each request.
final class FixtureTransport: HTTPTransport {
  /// What becomes of a request.
  enum Turn: Sendable {
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
  struct Sent: Sendable {
    var at: Duration
    var head: HTTPRequest
    var body: String
    var allowed: Duration
  }

  let log = Log<Sent>()
  private let clock: any MonotonicClock
  private let turns: Mutex<ArraySlice<Turn>>
  private let last: Turn

  /// - Parameter turns: played in their order; the last one again and again.
  init(clock: any MonotonicClock, _ turns: [Turn]) {
    self.clock = clock
    self.turns = Mutex(turns[...])
    last = turns[turns.count - 1]
  }

  func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    log.append(
      Sent(
        at: .nanoseconds(clock.now.nanoseconds), head: request.head,
        body: String(buffer: try await request.body.collect(upTo: 1 << 20)),
        allowed: clock.now.duration(to: deadline)))
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

/// Keeps what is logged.
struct KeepingLogHandler: LogHandler {
  struct Line: Sendable {
    var level: Logger.Level
    var message: String
    var metadata: Logger.Metadata
  }

  let log: Log<Line>
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(_ log: Log<Line>) { self.log = log }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    log.append(
      Line(level: event.level, message: event.message.description, metadata: event.metadata ?? [:]))
  }
}

/// The document of a problem.
func problem(_ status: Int, _ code: String, _ members: String = "") -> FixtureTransport.Turn {
  .answer(status, #"{"type":"urn:zoco:problem:\#(code)","status":\#(status),"code":"\#(code)","detail":"so"\#(members)}"#)
}
