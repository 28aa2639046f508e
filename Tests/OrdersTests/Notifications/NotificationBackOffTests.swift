import Testing

@testable import Orders

@Suite struct NotificationBackOffTests {
  private let backOff = NotificationBackOff()

  private func verdict(_ outcome: NotificationBackOff.Outcome, _ attempts: Int = 1) -> NotificationBackOff.Verdict {
    backOff.verdict(on: outcome, attempts: attempts) { $0 }
  }

  private func pause(_ outcome: NotificationBackOff.Outcome, _ attempts: Int = 1) -> Duration? {
    if case .again(let pause, _, _) = verdict(outcome, attempts) { pause } else { nil }
  }

  @Test(arguments: [200, 201, 202, 204, 299])
  func anyAnswerOfSuccessIsADelivery(_ status: Int) {
    #expect(NotificationBackOff.outcome(ofStatus: status, retryAfter: nil) == .delivered)
    #expect(verdict(.delivered) == .done)
  }

  @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 599])
  func anAnswerThatPassesIsTriedAgainSoon(_ status: Int) {
    let outcome = NotificationBackOff.outcome(ofStatus: status, retryAfter: nil)
    #expect(pause(outcome) == .seconds(1))
  }

  @Test(arguments: [301, 302, 307, 400, 401, 403, 404, 410, 413, 422])
  func aReceiverThatRefusesIsAskedRarelyAndSomebodyIsTold(_ status: Int) {
    let verdict = verdict(NotificationBackOff.outcome(ofStatus: status, retryAfter: nil))
    #expect(
      verdict == .again(after: .seconds(300), reason: "the receiver answered \(status)", isAlarming: true))
  }

  @Test func pausesDoubleUpToFiveMinutesAndNeverEnd() {
    let pauses = (1...11).map { pause(.failed("x"), $0) }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map { .seconds($0) })
    #expect(pause(.failed("x"), .max) == .seconds(300))
  }

  @Test func theTenthFailureIsAnAlarm() {
    #expect(verdict(.failed("x"), 9) == .again(after: .seconds(256), reason: "x", isAlarming: false))
    #expect(verdict(.failed("x"), 10) == .again(after: .seconds(300), reason: "x", isAlarming: true))
  }

  @Test func aReceiverMayAskForALongerPauseWithinFiveMinutes() {
    #expect(pause(.failed("x", retryAfter: .seconds(20))) == .seconds(20))
    #expect(pause(.failed("x", retryAfter: .seconds(20)), 8) == .seconds(128))
    #expect(pause(.failed("x", retryAfter: .seconds(86_400))) == .seconds(300))
  }
}
