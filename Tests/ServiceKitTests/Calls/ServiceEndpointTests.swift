import CallFixtures
import HTTPTypes
import Seams
import ServiceKit
import Testing

@Suite struct ServiceEndpointTests {
  /// Makes one call under `turns`.
  static func call(
    seed: UInt64 = 1, _ turns: [FixtureTransport.Turn], deadline: Duration = .seconds(60), isIdempotent: Bool = true,
    options: ServicePeer.Options = ServicePeer.Options()
  ) -> Play<String> {
    play(seed: seed, turns, deadline: deadline, options: options) { peer, context in
      try await peer.endpoint("buy").call(buy(isIdempotent: isIdempotent), context)
    }
  }

  static func buy(isIdempotent: Bool = true) -> ServiceCall<String> {
    var body = JSONWriter()
    body.object { $0.member("what", "socks") }
    return ServiceCall(.post, "/buy", body: body, isIdempotent: isIdempotent) { (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (200, _):
        let reader = try answer.reader()
        let value = reader.string("value", length: 1...10)
        try reader.finish()
        return .done(value)
      case (409, "sold_out"): return .refused("sold out")
      default: return .unknown
      }
    }
  }

  static let fine = FixtureTransport.Turn.answer(200, #"{"value":"yes","new":{"member":1}}"#)

  @Test func anAnswerIsReadAndUnknownMembersAreIgnored() throws {
    let end = Self.call([Self.fine])
    #expect(end.value == "yes")
    let sent = try #require(end.sent.first)
    #expect(end.sent.count == 1 && sent.body == #"{"what":"socks"}"#)
    #expect(sent.head.path == "/buy" && sent.head.authority == "shop:80" && sent.head.method == .post)
    let fields = sent.head.headerFields
    #expect(fields[.authorization] == "Bearer s3cret")
    #expect(fields[.correlationId] == playedCorrelationId.canonicalText)
    #expect(fields[.requestTimeout] == "5000" && sent.allowed == .seconds(5))
    #expect(fields[.contentType] == "application/json" && fields[.contentLength] == "16")
  }

  @Test func aRefusalIsAResultAndIsNotRetried() {
    let end = Self.call([.problem(409, "sold_out")])
    #expect(end.value == "sold out" && end.sent.count == 1)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func retriesComeAfterOneTwoAndFourSecondsWithJitter(seed: UInt64) throws {
    let end = Self.call(seed: seed, [.problem(503, "upstream_unavailable")])
    let error = try #require(end.error)
    #expect(error.code == .unavailable && error.status == 503 && error.attempts == 4)
    #expect(end.pauses.count == 3)
    for (pause, nominal) in zip(end.pauses, [1.0, 2.0, 4.0]) {
      #expect((nominal * 0.8...nominal * 1.2).contains(pause.inSeconds), "\(pause)")
    }
    #expect(Set(end.pauses).count == 3)
  }

  @Test func aRetryThatSucceedsIsTheAnswer() {
    let end = Self.call([.fails(.connectionRefused), .silence, Self.fine])
    #expect(end.value == "yes" && end.sent.count == 3)
    #expect(Set(end.sent.map(\.body)).count == 1)
  }

  @Test func retryAfterIsHonouredWhenItIsLonger() {
    let turns: [FixtureTransport.Turn] = [
      .answer(429, "", fields: [.retryAfter: "7"]), .answer(503, "", fields: [.retryAfter: "1"]),
      .answer(503, "", fields: [.retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT"]), Self.fine,
    ]
    let end = Self.call(turns)
    #expect(end.value == "yes")
    #expect(end.pauses[0] == .seconds(7))
    #expect((1.6...2.4).contains(end.pauses[1].inSeconds) && (3.2...4.8).contains(end.pauses[2].inSeconds))
  }

  @Test func aPauseThatWouldOutliveTheDeadlineIsNotBegun() throws {
    let end = Self.call([.answer(503, "", fields: [.retryAfter: "60"])], deadline: .seconds(30))
    let error = try #require(end.error)
    #expect(error.attempts == 1 && error.retryAfter == .seconds(60) && end.duration == .zero)
  }

  @Test func whatIsNotIdempotentIsSentOnce() throws {
    let end = Self.call([.silence], isIdempotent: false)
    #expect(end.sent.count == 1)
    #expect(try #require(end.error).disposition == .ambiguous)
  }

  @Test func theLastAttemptIsToldWhatIsLeft() throws {
    let end = Self.call([.silence], deadline: .seconds(8))
    #expect(end.sent.count == 2)
    let last = try #require(end.sent.last)
    let left = Int((Duration.seconds(8) - last.at).nanosecondsClamped / 1_000_000)
    #expect(last.head.headerFields[.requestTimeout] == "\(left)")
    #expect(end.duration == .seconds(8))
    #expect(try #require(end.error).code == .deadlineExceeded)
  }

  @Test(arguments: [Duration.zero, .seconds(-1), .microseconds(999)])
  func aDeadlineThatHasPassedSendsNothing(deadline: Duration) throws {
    let end = Self.call([Self.fine], deadline: deadline)
    let error = try #require(end.error)
    #expect(end.sent.isEmpty && end.lines.isEmpty)
    #expect(error.code == .deadlineExceeded && error.disposition == .retryable && error.attempts == 0)
  }

  /// The answers, silences and failures of one seed, in any order and at any pace.
  private static func turns(_ generator: inout some RandomNumberGenerator) -> [FixtureTransport.Turn] {
    (0..<5).map { _ in
      switch Int.random(in: 0..<9, using: &generator) {
      case 0: .silence
      case 1: .hangs(200)
      case 2: .cut(200)
      case 3: .fails(.connectionRefused)
      case 4: .answer(503, "", fields: [.retryAfter: "\(Int.random(in: 0...9, using: &generator))"])
      case 5: .answer(200, "{", after: .milliseconds(Int.random(in: 0...6000, using: &generator)))
      case 6: .answer(429, "", after: .milliseconds(Int.random(in: 0...6000, using: &generator)))
      case 7: .answer(500, "oops", after: .milliseconds(Int.random(in: 0...6000, using: &generator)))
      default: .fails(.connectionReset)
      }
    }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func theTotalTimeNeverExceedsTheDeadline(seed: UInt64) {
    var generator = Sequence(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
    let deadline = Duration.milliseconds(Int.random(in: 1...30_000, using: &generator))
    let end = Self.call(seed: seed, Self.turns(&generator), deadline: deadline)
    #expect(end.error != nil)
    #expect(end.duration <= deadline)
    #expect(end.sent.allSatisfy { $0.at + $0.allowed <= deadline && $0.allowed <= .seconds(5) })
    #expect(end.sent.count == end.error?.attempts)
  }

  /// xorshift64* (Vigna, 2016).
  private struct Sequence: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return state &* 0x2545_F491_4F6C_DD1D
    }
  }

  @Test func eachAttemptIsOneLine() throws {
    let end = Self.call([.answer(503, "", after: .milliseconds(250)), .fails(.connectionReset), Self.fine])
    #expect(end.lines.map(\.message) == ["call attempt", "call attempt", "call attempt"])
    #expect(end.lines.map(\.level) == ["warning", "warning", "info"])
    #expect(end.lines.map { $0.metadata["attempt"] } == ["1", "2", "3"])
    #expect(end.lines.map { $0.metadata["status"] } == ["503", nil, "200"])
    #expect(end.lines[0].metadata["durationMs"] == "250.0")
    #expect(end.lines[1].metadata["error"]?.contains("connection_lost") == true)
    #expect(end.lines[2].metadata["error"] == nil)
    for line in end.lines {
      #expect(line.metadata["service"] == "shop" && line.metadata["call"] == "buy")
      #expect(line.metadata["correlationId"] == playedCorrelationId.canonicalText)
      #expect(!line.metadata.description.contains("s3cret"))
    }
  }
}
