internal import Scenarios

/// Finds where two runs of one seed part: first between which checkpoints, then at which event.
struct DifferenceSearch {
  enum Side: Hashable { case first, second }

  /// A run that the search needs, in the process of its side.
  struct Request {
    var side: Side
    var settings: RunSettings
    var recording: RunRecording
  }

  private enum Phase { case checkpoints, events }

  let tally: Int
  var workers: (first: Int32, second: Int32) = (0, 0)
  /// What was found, once the search has ended.
  private(set) var conclusion: RunReport?
  private let original: (first: RunReport, second: RunReport)
  private var phase = Phase.checkpoints
  private var answers: (first: RunReport?, second: RunReport?) = (nil, nil)
  private var interval: UInt64 = 1
  /// Events shown from both sides before and after the first that differs.
  private static let context = 6

  init(first: RunReport, second: RunReport, tally: Int) {
    original = (first, second)
    self.tally = tally
  }

  /// The first runs to ask for.
  mutating func begin() -> [Request] {
    guard !original.second.hash.isEmpty else {
      conclude(["the second process did not end its run: \(original.second.finding)"] + original.second.evidence)
      return []
    }
    interval = max(1, max(original.first.eventCount, original.second.eventCount) / 256)
    var recording = RunRecording.hashOnly
    recording.checkpointInterval = interval
    return both(recording)
  }

  /// Takes the run of `side`.
  ///
  /// - Returns: what to run next.
  mutating func take(_ report: RunReport, _ side: Side) -> [Request] {
    if side == .first { answers.first = report } else { answers.second = report }
    guard conclusion == nil, let first = answers.first, let second = answers.second else { return [] }
    answers = (nil, nil)
    switch phase {
    case .checkpoints: return narrow(first, second)
    case .events:
      compare(first, second)
      return []
    }
  }

  private mutating func narrow(_ first: RunReport, _ second: RunReport) -> [Request] {
    guard first.hash != second.hash else {
      conclude(["the difference did not show when both processes played the seed again"])
      return []
    }
    let same = zip(first.checkpoints, second.checkpoints).prefix { $0 == $1 }.count
    let start = UInt64(same) * interval
    phase = .events
    var recording = RunRecording(latestEvents: nil)
    // The difference lies within one interval; some events before it show where the runs were.
    recording.fromEvent = start > interval ? start - interval : 0
    recording.beforeEvent = start + 2 * interval + 64
    return both(recording)
  }

  private mutating func compare(_ first: RunReport, _ second: RunReport) {
    let same = zip(first.events, second.events).prefix { $0 == $1 }.count
    guard same < first.events.count || same < second.events.count else {
      conclude([
        "the recorded events agree, so only the order of tasks differs; it does so after event "
          + "\(first.events.last?.index ?? 0) at the latest"
      ])
      return
    }
    var lines = ["the runs agree up to here:"]
    lines += first.events[max(0, same - Self.context)..<same].map { "  both   #\($0.index) \($0)" }
    lines.append("and then part:")
    lines += first.events[same...].prefix(Self.context).map { "  first  #\($0.index) \($0)" }
    lines += second.events[same...].prefix(Self.context).map { "  second #\($0.index) \($0)" }
    conclude(lines)
  }

  private func both(_ recording: RunRecording) -> [Request] {
    [Side.first, .second].map { Request(side: $0, settings: original.first.settings, recording: recording) }
  }

  private mutating func conclude(_ lines: [String]) {
    var report = original.first
    report.verdict = .crashed
    report.finding = "not deterministic: a second process played the same seed differently"
    report.evidence =
      [
        "first process: hash \(original.first.hash), \(original.first.eventCount) events",
        "second process: hash \(original.second.hash), \(original.second.eventCount) events",
      ] + lines
    report.events = []
    conclusion = report
  }
}
