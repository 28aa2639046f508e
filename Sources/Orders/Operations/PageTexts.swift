import FoundationEssentials
import Seams
import ServiceKit

/// A time, for people and for programs.
struct TimeText: Sendable {
  /// `2026-01-31 09:05:00 UTC`.
  var text: String
  /// RFC 3339.
  var machine: String

  init(_ time: Timestamp) {
    machine = time.description
    let parts = machine.split(separator: "T")
    text = "\(parts[0]) \(parts[1].prefix(8)) UTC"
  }

  /// How long ago a time was, in its largest one or two units: `5 s`, `3 min`, `2 h 10 min`, `4 d 3 h`.
  static func age(_ time: Timestamp, at now: Timestamp) -> String {
    let seconds = max(0, Int(time.duration(to: now).inSeconds))
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
    if minutes == 0 { return "\(seconds) s" }
    if hours == 0 { return "\(minutes) min" }
    if days == 0 { return minutes % 60 == 0 ? "\(hours) h" : "\(hours) h \(minutes % 60) min" }
    return days >= 10 || hours % 24 == 0 ? "\(days) d" : "\(days) d \(hours % 24) h"
  }
}

/// A state, told by a colour, a sign and a word.
struct Chip: Sendable {
  var text: String
  var tone: String
  var mark: String

  static func good(_ text: String) -> Chip { Chip(text: text, tone: "good", mark: "✓") }
  static func warn(_ text: String) -> Chip { Chip(text: text, tone: "warn", mark: "▲") }
  static func bad(_ text: String) -> Chip { Chip(text: text, tone: "bad", mark: "✕") }
  static func plain(_ text: String) -> Chip { Chip(text: text, tone: "", mark: "●") }

  init(text: String, tone: String, mark: String) {
    (self.text, self.tone, self.mark) = (text, tone, mark)
  }

  /// Where a saga stands.
  init(_ saga: SagaOverview) {
    switch saga.state {
    case .forward: self = .plain("forward")
    case .compensating: self = .warn("compensating")
    case .stuck: self = .bad("stuck")
    case .done: self = saga.status == .failed ? .bad("failed") : .good("done")
    }
  }

  /// How a step stands.
  init(step status: String) {
    switch status {
    case "done": self = .good(status)
    case "refused", "failed": self = .bad(status)
    default: self = .plain(status)
    }
  }

  /// How a letter stands.
  init(_ letter: StoredDeadLetter) {
    self = letter.isOpen ? .bad("open") : .good("resolved")
  }
}

/// A named value.
struct Fact: Sendable {
  var label: String
  var value: String
  /// Whether it is an id, or the like.
  var isCode = false

  static func code(_ label: String, _ value: String?) -> Fact? {
    value.map { Fact(label: label, value: $0, isCode: true) }
  }
}

/// A number with its noun: `1 attempt`, `2 attempts`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// What just happened, told once by the page that follows.
///
/// It travels in the query as codes and numbers, so that no link can put words into the page.
enum Notice: Sendable, Hashable {
  case retried, processed, discarded, sagaRetried
  case allRetried(retried: Int, processed: Int, failed: Int, isComplete: Bool)

  /// The dashboard's path with the notice.
  var path: String {
    switch self {
    case .retried: "/admin/?done=retried"
    case .processed: "/admin/?done=processed"
    case .discarded: "/admin/?done=discarded"
    case .sagaRetried: "/admin/?done=saga"
    case .allRetried(let retried, let processed, let failed, let isComplete):
      "/admin/?done=all&retried=\(retried)&processed=\(processed)&failed=\(failed)&rest=\(isComplete ? 0 : 1)"
    }
  }

  /// Reads the query of ``path``; `nil` for any other.
  init?(_ parameters: [String: String]) {
    let count = { (name: String) in parameters[name].flatMap { Int($0) } ?? 0 }
    switch parameters["done"] {
    case "retried": self = .retried
    case "processed": self = .processed
    case "discarded": self = .discarded
    case "saga": self = .sagaRetried
    case "all":
      self = .allRetried(
        retried: count("retried"), processed: count("processed"), failed: count("failed"),
        isComplete: count("rest") == 0)
    default: return nil
    }
  }

  var chip: Chip {
    switch self {
    case .retried: .good("The message is in its queue again. Should it die once more, it comes back here.")
    case .processed: .good("There was nothing to try: the event has taken effect already.")
    case .discarded: .good("The letter is discarded.")
    case .sagaRetried: .good("The saga goes on with its compensation.")
    case .allRetried(let retried, let processed, let failed, let isComplete):
      Chip(
        text: "\(counted(retried, "message")) in their queues again"
          + (processed > 0 ? ", \(processed) had taken effect already" : "")
          + (failed > 0 ? ", \(failed) not taken by the broker" : "")
          + (isComplete ? "." : ". The time was up before all were tried: retry all once more."),
        tone: failed == 0 && isComplete ? "good" : "warn", mark: failed == 0 && isComplete ? "✓" : "▲")
    }
  }
}
