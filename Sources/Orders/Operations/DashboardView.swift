import FoundationEssentials
import Seams
import ServiceKit

/// The page at `/admin/`: what there is to look at, and what needs somebody.
struct DashboardView: OperationsView, Sendable {
  /// A figure at the top.
  struct Figure: Sendable {
    var label: String
    var value: Int
    var note: String
    var tone: String
    var mark: String
    var href: String
  }

  /// Open letters of one type.
  struct Share: Sendable {
    var count: Int
    var name: String
  }

  /// A dead letter in the list.
  struct Letter: Sendable {
    var id: String
    var title: String
    var queue: String
    var attempts: String
    var died: TimeText
    var age: String
    var cause: String

    init(_ letter: StoredDeadLetter, now: Timestamp) {
      id = letter.id.canonicalText
      title = letter.type ?? "Not an event"
      queue = letter.queue
      attempts = counted(letter.attempts, "attempt")
      died = TimeText(letter.diedAt)
      age = TimeText.age(letter.diedAt, at: now)
      cause = letter.cause
    }
  }

  /// A saga in a list.
  struct Saga: Sendable {
    var id: String
    var chip: Chip
    var status: String
    var step: String
    var attempts: String?
    var age: String
    var next: String?
    var error: String?
    var isStuck: Bool

    init(_ saga: SagaOverview, now: Timestamp) {
      id = saga.orderId.canonicalText
      chip = Chip(saga)
      status = saga.status.rawValue
      step = saga.step.rawValue
      attempts = saga.attempts == 0 ? nil : counted(saga.attempts, "call")
      age = TimeText.age(saga.createdAt, at: now)
      next = Self.next(saga, now)
      error = saga.error ?? saga.failure.map { "\($0.code): \($0.detail)" }
      isStuck = saga.state == .stuck
    }

    static func next(_ saga: SagaOverview, _ now: Timestamp) -> String? {
      if saga.isDriven { return "under way" }
      guard let next = saga.nextAttemptAt else { return nil }
      return next > now ? "next call in \(TimeText.age(now, at: next))" : "waits for an instance"
    }
  }

  /// An event that was set aside.
  struct Refused: Sendable {
    var title: String
    var subject: String
    var age: String
    var cause: String
  }

  var frame: OperationsPages.Frame
  var template: String { "dashboard" }
  var notice: Chip?
  var figures: [Figure]
  var openLetters: Int
  var hasLetters: Bool
  var shares: [Share]
  var letters: [Letter]
  var older: String?
  var stuck: [Saga]
  var running: [Saga]
  var moreRunning: Bool
  var failed: [Saga]
  var moreFailed: Bool
  var outbox: String
  var refused: [Refused]

  init(
    _ figures: OperationsFigures, counts: DeadLetterCounts, letters page: DeadLetterPage, stuck: Page<SagaOverview>,
    running: Page<SagaOverview>, failed: Page<SagaOverview>, notice: Notice?
  ) {
    let now = figures.now
    frame = OperationsPages.Frame(title: Self.title(figures, counts), time: TimeText(now))
    self.notice = notice?.chip
    self.figures = Self.figures(figures, counts)
    openLetters = counts.open
    hasLetters = counts.open > 0
    shares = counts.byType.map { Share(count: $0.count, name: $0.name ?? "no event") }
    letters = page.letters.map { Letter($0, now: now) }
    older = page.next.map { "/admin/?letters=\($0.text)#letters" }
    self.stuck = stuck.items.map { Saga($0, now: now) }
    self.running = running.items.map { Saga($0, now: now) }
    moreRunning = running.nextCursor != nil
    self.failed = failed.items.map { Saga($0, now: now) }
    moreFailed = failed.nextCursor != nil
    outbox =
      figures.waiting == 0
      ? "Every event is published."
      : "\(counted(figures.waiting, "event")) to be published, the oldest for "
        + TimeText.age(figures.oldestWaiting ?? now, at: now) + "."
    refused = figures.newestRefused.map {
      Refused(title: $0.type, subject: $0.subject, age: TimeText.age($0.at, at: now), cause: $0.reason)
    }
  }

  /// What needs somebody stands in the title, which a tab shows.
  private static func title(_ figures: OperationsFigures, _ counts: DeadLetterCounts) -> String {
    let trouble = counts.open + figures.stuck + figures.refused + (isHeldUp(figures) ? 1 : 0)
    return trouble == 0 ? "All well" : "\(trouble) to look at"
  }

  /// Whether events wait for longer than a publisher that works lets them.
  private static func isHeldUp(_ figures: OperationsFigures) -> Bool {
    figures.oldestWaiting.map { $0.duration(to: figures.now) > .seconds(60) } ?? false
  }

  private static func figures(_ figures: OperationsFigures, _ counts: DeadLetterCounts) -> [Figure] {
    let now = figures.now
    let letters = counts.oldest.map { "oldest: \(TimeText.age($0, at: now))" }
    return [
      figure("Dead letters", counts.open, counts.open == 0 ? .good("none") : .bad(letters ?? ""), "#letters"),
      figure("Stuck sagas", figures.stuck, figures.stuck == 0 ? .good("none") : .bad("each needs you"), "#stuck"),
      figure(
        "In progress", figures.forward + figures.compensating,
        figures.compensating == 0 ? .plain("none undone") : .warn("\(figures.compensating) being undone"), "#running"),
      figure(
        "Failed orders", figures.failedLately, .plain("of the last 24 h"), "#failed"),
      figure(
        "Outbox", figures.waiting,
        figures.waiting == 0
          ? .good("all published")
          : isHeldUp(figures)
            ? .warn("waiting for \(TimeText.age(figures.oldestWaiting ?? now, at: now))") : .plain("on their way"),
        "#outbox"),
      figure("Set aside", figures.refused, figures.refused == 0 ? .good("none") : .bad("never published"), "#outbox"),
    ]
  }

  private static func figure(_ label: String, _ value: Int, _ chip: Chip, _ href: String) -> Figure {
    Figure(label: label, value: value, note: chip.text, tone: chip.tone, mark: chip.mark, href: href)
  }
}
