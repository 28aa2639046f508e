public import Scenarios

/// A failure as a terminal shows it: seed and options, the invariant, the evidence, the events before, the command.
public enum FailureText {
  /// Events shown on a terminal; the HTML report has more.
  static let eventsShown = 60
  /// The width of lines where nothing else says how wide they may be.
  public static let usualWidth = 160

  /// The text of `report`, which did not pass.
  ///
  /// - Parameter width: where lines of evidence and events are cut, in characters; the JSON summary has them whole.
  public static func text(of report: RunReport, width: Int = usualWidth) -> String {
    var lines = ["", "✗ \(report.settings.scenario), seed \(report.settings.seed)"]
    if let bug = report.settings.plantedBug { lines[1] += ", planted bug \(bug)" }
    if !report.drawn.isEmpty { lines.append("  options   " + report.drawn.joined(separator: "; ")) }
    lines.append("  \(label(of: report.verdict))  \(report.finding)")
    for (index, line) in report.evidence.enumerated() {
      lines.append(((index == 0 ? "  evidence  " : "            ") + line).cut(to: width))
    }
    let events = report.events.suffix(eventsShown)
    if !events.isEmpty {
      lines.append("  the last \(events.count) of \(report.eventCount) events, by virtual time in seconds:")
      lines += events.map { "  \($0)".cut(to: width) }
    }
    lines.append("  replay    \(report.settings.replayCommand)")
    return lines.joined(separator: "\n")
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
