public import Scenarios

/// A failure as a terminal shows it: seed and options, the invariant, the evidence, the events before, the command.
public enum FailureText {
  /// Events shown on a terminal; the HTML report has more.
  static let eventsShown = 60
  /// The width of lines where nothing else says how wide they may be.
  public static let usualWidth = 160

  /// The text of `report`, which did not pass.
  ///
  /// - Parameter width: how wide lines are, in characters: evidence is wrapped and ends after some lines, events are cut.
  ///   The JSON summary has them whole.
  public static func text(of report: RunReport, width: Int = usualWidth) -> String {
    var lines = ["", "✗ \(report.settings.scenario), seed \(report.settings.seed)"]
    if let bug = report.settings.plantedBug { lines[1] += ", planted bug \(bug)" }
    if !report.drawn.isEmpty { lines += part("options", report.drawn.joined(separator: "; "), width) }
    lines.append("  \(label(of: report.verdict))  \(report.finding)")
    for (index, line) in report.evidence.enumerated() {
      lines += part(index == 0 ? "evidence" : "", line, width)
    }
    let events = report.events.suffix(eventsShown)
    if !events.isEmpty {
      lines.append("  the last \(events.count) of \(report.eventCount) events, by virtual time in seconds:")
      lines += events.map { "  \($0)".cut(to: width) }
    }
    lines.append("  replay    \(report.settings.replayCommand)")
    return lines.joined(separator: "\n")
  }

  /// The lines of one part, `text` beside its `title`: five at most, the last one cut where there are more.
  private static func part(_ title: String, _ text: String, _ width: Int) -> [String] {
    let room = max(40, width - 12)
    var lines = text.cut(to: .max).wrapped(to: room)
    if lines.count > 5 { lines = lines.prefix(4) + [lines[4...].joined(separator: " ")] }
    return lines.enumerated().map { index, line in
      "  " + (index == 0 ? title : "").padded(to: 10) + line.cut(to: room)
    }
  }

  /// What the verdict is called in front of its finding.
  static func label(of verdict: RunReport.Verdict) -> String {
    switch verdict {
    case .passed: "passed  "
    case .invariantBroken: "invariant"
    case .notConverged: "at rest? "
    case .crashed: "crash    "
    }
  }
}
