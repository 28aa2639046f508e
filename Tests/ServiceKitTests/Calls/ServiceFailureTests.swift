import CallFixtures
import HTTPTypes
import Seams
import ServiceKit
import Testing

@Suite struct ServiceFailureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var turn: FixtureTransport.Turn
    var code: ServiceCallError.Code
    var disposition: FailureDisposition
    var attempts = 4

    var testDescription: String { "\(turn)" }
  }

  @Test(arguments: [
    Case(turn: .fails(.connectionRefused), code: .connectFailed, disposition: .retryable),
    Case(turn: .fails(.connectTimeout), code: .connectFailed, disposition: .retryable),
    Case(turn: .fails(.connectionReset), code: .connectionLost, disposition: .ambiguous),
    Case(turn: .fails(.malformedResponse), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .silence, code: .deadlineExceeded, disposition: .ambiguous),
    Case(turn: .hangs(200), code: .deadlineExceeded, disposition: .ambiguous),
    Case(turn: .cut(200), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .cut(409), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(200, ""), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(200, #"{"value":"ye"#), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(200, #"{"value":7}"#), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(200, #"{}"#), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(200, #"["value"]"#), code: .malformedAnswer, disposition: .ambiguous),
    Case(
      turn: .answer(200, #"{"value":"yes"}"#, fields: [.contentType: "text/html"]), code: .malformedAnswer,
      disposition: .ambiguous),
    Case(turn: .answer(204, #"{"value":"yes"}"#), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(302, ""), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(404, "<html>"), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(409, #"{"code":"sold_out","status":404}"#), code: .malformedAnswer, disposition: .ambiguous),
    Case(turn: .answer(500, ""), code: .serverFailed, disposition: .ambiguous),
    Case(turn: .answer(502, "<html>"), code: .serverFailed, disposition: .ambiguous),
    Case(turn: .answer(503, "<html>"), code: .unavailable, disposition: .ambiguous),
    Case(turn: .answer(504, ""), code: .deadlineExceeded, disposition: .ambiguous),
    Case(turn: .answer(408, ""), code: .deadlineExceeded, disposition: .retryable),
    Case(turn: .answer(429, ""), code: .rateLimited, disposition: .retryable),
    Case(turn: .answer(400, ""), code: .rejected, disposition: .permanent, attempts: 1),
    Case(turn: .answer(401, "<html>"), code: .rejected, disposition: .permanent, attempts: 1),
    Case(turn: .answer(403, ""), code: .rejected, disposition: .permanent, attempts: 1),
    Case(turn: .problem(404, "route_not_found"), code: .rejected, disposition: .permanent, attempts: 1),
    Case(turn: .problem(409, "something_new"), code: .rejected, disposition: .permanent, attempts: 1),
  ])
  func aFailureSaysWhatItAllows(_ expected: Case) throws {
    let end = ServiceEndpointTests.call([expected.turn])
    let error = try #require(end.error)
    #expect(error.code == expected.code, "\(error)")
    #expect(error.disposition == expected.disposition)
    #expect(error.attempts == expected.attempts && end.sent.count == expected.attempts)
    #expect(error.message.hasPrefix("shop buy: "))
    if case .answer(let status, _, _, _) = expected.turn { #expect(error.status == status) }
  }

  @Test func anAnswerThatIsTooLongIsNotRead() throws {
    var options = ServicePeer.Options()
    options.answerLimit = 10
    let error = try #require(ServiceEndpointTests.call([ServiceEndpointTests.fine], options: options).error)
    #expect(error.code == .malformedAnswer && error.message.contains("10 bytes"))
  }

  @Test(arguments: [
    FixtureTransport.Turn.fails(.connectionRefused), .answer(401, ""), .answer(429, ""),
  ])
  func whatAnEarlierAttemptMayHaveDoneIsNotForgotten(last: FixtureTransport.Turn) throws {
    let error = try #require(ServiceEndpointTests.call([.silence, last]).error)
    #expect(error.code != .deadlineExceeded && error.disposition == .ambiguous)
  }

  @Test func theErrorNamesWhatIsWrongWithAnAnswer() throws {
    let error = try #require(ServiceEndpointTests.call([.answer(200, #"{"value":7}"#)]).error)
    #expect(error.description.contains("value: expected a string of 1 to 10 characters, found 7"), "\(error)")
  }
}
