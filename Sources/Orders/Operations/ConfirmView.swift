import FoundationEssentials
import Seams
import ServiceKit

/// Asks before something is changed, and says what will happen.
struct ConfirmView: OperationsView, Sendable {
  var frame: OperationsPages.Frame
  var template: String { "confirm" }
  var question: String
  var consequences: [String]
  var facts: [Fact] = []
  var cause: String?
  /// Where the form goes.
  var action: String
  /// Shows that the form is ours.
  var token: String
  var asksReason = false
  var verb: String
  var tone = "primary"

  private init(
    _ question: String, _ consequences: [String], verb: String, action: String, token: String, now: Timestamp
  ) {
    frame = OperationsPages.Frame(title: question, time: TimeText(now))
    self.question = question
    self.consequences = consequences
    self.verb = verb
    self.action = action
    self.token = token
  }

  static func retry(_ letter: StoredDeadLetter, token: String, now: Timestamp) -> ConfirmView {
    var view = ConfirmView(
      "Retry this letter?",
      [
        letter.eventId == nil
          ? "The message goes to its queue once more. It is no event: unless its consumer has changed, it dies again at once."
          : "Its event begins anew with all its attempts, and the message goes to its queue. It takes effect once, "
            + "even if a copy of it is still on its way.",
        "Should it die again, the letter comes back with the new cause.",
      ], verb: "Retry the letter", action: "/admin/page/letters/\(letter.id.canonicalText)/retry", token: token,
      now: now)
    view.describe(letter, now)
    return view
  }

  static func discard(_ letter: StoredDeadLetter, token: String, now: Timestamp) -> ConfirmView {
    var view = ConfirmView(
      "Discard this letter?",
      ["Its event never takes effect. The letter is kept with your name and reason, and cannot be retried afterwards."],
      verb: "Discard the letter", action: "/admin/page/letters/\(letter.id.canonicalText)/discard", token: token,
      now: now)
    view.describe(letter, now)
    view.asksReason = true
    view.tone = "danger"
    return view
  }

  static func retryAll(_ counts: DeadLetterCounts, token: String, now: Timestamp) -> ConfirmView {
    var view = ConfirmView(
      counts.open == 1 ? "Retry the one open letter?" : "Retry all \(counts.open) open letters?",
      [
        "Each event begins anew with all its attempts, and each message goes to its queue. Letters that die again come "
          + "back with the new cause."
      ], verb: counts.open == 1 ? "Retry the letter" : "Retry all \(counts.open)",
      action: "/admin/page/letters/retry-all", token: token, now: now)
    view.facts = counts.byType.map { Fact(label: $0.name ?? "no event", value: counted($0.count, "letter")) }
    return view
  }

  static func retry(_ report: SagaReport, token: String) -> ConfirmView {
    let saga = report.saga
    var view = ConfirmView(
      "Set this saga going again?",
      [
        "It goes on undoing the order, with the step that was refused: \(saga.step.rawValue). "
          + "Each of its calls may be made again without harm.",
        "It is stuck again after \(Saga.maximumRefusals) more refusals in a row.",
      ], verb: "Set it going", action: "/admin/page/sagas/\(saga.orderId.canonicalText)/retry", token: token,
      now: report.now)
    view.facts = [
      Fact(label: "order", value: saga.orderId.canonicalText, isCode: true),
      Fact(label: "ordered", value: "\(TimeText.age(saga.createdAt, at: report.now)) ago"),
    ]
    view.cause = saga.error
    return view
  }

  private mutating func describe(_ letter: StoredDeadLetter, _ now: Timestamp) {
    facts = [
      Fact(label: "type", value: letter.type ?? "not an event"),
      Fact(label: "queue", value: letter.queue, isCode: true),
      Fact(label: "died", value: "\(TimeText.age(letter.diedAt, at: now)) ago"),
      Fact(label: "attempts", value: String(letter.attempts)),
    ]
    cause = letter.cause
  }
}
