import FoundationEssentials
import HTTPTypes
import Seams
import ServiceKit

/// The page of one dead letter.
struct LetterView: OperationsView, Sendable {
  var frame: OperationsPages.Frame
  var template: String { "letter" }
  var id: String
  var title: String
  var chip: Chip
  var isOpen: Bool
  var cause: String
  var facts: [Fact]
  var hasHistory: Bool
  var history: [String]
  var bodyTitle: String
  var body: String?

  init(_ letter: StoredDeadLetter, body: DeadLetterBody, now: Timestamp) {
    title = letter.type ?? "Not an event"
    frame = OperationsPages.Frame(title: title, time: TimeText(now))
    id = letter.id.canonicalText
    chip = Chip(letter)
    isOpen = letter.isOpen
    cause = letter.cause
    facts = Self.facts(letter)
    hasHistory = !letter.history.isEmpty
    history = letter.history.split(separator: "\n").map(String.init)
    switch body {
    case .text(let text): (bodyTitle, self.body) = ("Message, \(counted(letter.size, "byte"))", text)
    case .hex(let digits):
      (bodyTitle, self.body) = ("Message, \(counted(letter.size, "byte")), no text: in hexadecimal", digits)
    case .tooLarge: (bodyTitle, self.body) = ("Message, \(counted(letter.size, "byte"))", nil)
    }
  }

  static func facts(_ letter: StoredDeadLetter) -> [Fact] {
    [
      Fact(label: "died", value: TimeText(letter.diedAt).text),
      Fact(label: "attempts", value: String(letter.attempts)),
      letter.resolution.map { Fact(label: "resolved", value: $0) },
      letter.resolvedAt.map { Fact(label: "resolved at", value: TimeText($0).text) },
      .code("queue", letter.queue), .code("exchange", letter.exchange), .code("routing key", letter.routingKey),
      .code("event", letter.eventId?.canonicalText), .code("subject", letter.subject),
      .code("correlation id", letter.correlationId?.canonicalText), .code("media type", letter.contentType),
      .code("letter", letter.id.canonicalText),
    ].compactMap { $0 }
  }
}

/// The page of one saga.
struct SagaView: OperationsView, Sendable {
  /// A step that was begun.
  struct Step: Sendable {
    var step: String
    var chip: Chip
    var attempts: Int
    var begun: String
    var ended: String
    var error: String?
  }

  var frame: OperationsPages.Frame
  var template: String { "report" }
  var id: String
  var chip: Chip
  var isStuck: Bool
  var facts: [Fact]
  var steps: [Step]
  var history: [Fact]

  init(_ report: SagaReport) {
    let saga = report.saga
    id = saga.orderId.canonicalText
    frame = OperationsPages.Frame(title: "Order \(id)", time: TimeText(report.now))
    chip = Chip(saga)
    isStuck = saga.state == .stuck
    facts = Self.facts(saga, now: report.now)
    steps = report.steps.map { step in
      Step(
        step: step.step.rawValue, chip: Chip(step: step.status), attempts: step.attempts,
        begun: TimeText(step.startedAt).text, ended: step.endedAt.map { TimeText($0).text } ?? "not yet",
        error: step.error)
    }
    history = report.history.map { Fact(label: $0.status.rawValue, value: TimeText($0.at).text) }
  }

  static func facts(_ saga: SagaOverview, now: Timestamp) -> [Fact] {
    [
      Fact(label: "order", value: saga.status.rawValue), Fact(label: "step", value: saga.step.rawValue),
      Fact(label: "customer", value: saga.userId, isCode: true),
      saga.failure.map { Fact(label: "failure", value: "\($0.code): \($0.detail)") },
      saga.stopReason.map { Fact(label: "asked to stop", value: $0) },
      saga.refusals == 0 ? nil : Fact(label: "refusals in a row", value: String(saga.refusals)),
      DashboardView.Saga.next(saga, now).map { Fact(label: "what comes next", value: $0) },
      Fact(label: "ordered", value: TimeText(saga.createdAt).text),
      Fact(label: "last change", value: TimeText(saga.updatedAt).text),
    ].compactMap { $0 }
  }
}

/// What went wrong, for a person.
struct ProblemView: OperationsView, Sendable {
  var frame: OperationsPages.Frame
  var template: String { "problem" }
  var status: String
  var heading: String
  var detail: String
  var errors: [String]
  var correlationId: String

  init(_ problem: Problem, correlationId: UUID, now: Timestamp) {
    frame = OperationsPages.Frame(title: problem.title, time: TimeText(now))
    status = "\(problem.status.code) \(problem.code)"
    heading = problem.title
    detail = problem.detail
    errors = []
    for member in problem.members where member.name == "errors" {
      guard case .array(let list) = member.value else { continue }
      errors = list.map { "\($0["field"]?.string ?? ""): \($0["message"]?.string ?? "")" }
    }
    self.correlationId = correlationId.canonicalText
  }
}
