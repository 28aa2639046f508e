internal import Reporting
internal import Scenarios

/// The table at the end of a sweep.
public enum SweepTable {
  /// The table of `tallies`, with the faults below it.
  public static func text(_ tallies: [ScenarioTally]) -> String {
    var table = TextTable([
      ("scenario", .left), ("result", .left), ("seeds", .right), ("failed", .right), ("requests", .right),
      ("faults", .right), ("virtual time", .right), ("seeds/s", .right), ("requests/s/core", .right),
    ])
    for tally in tallies where tally.startedAt != nil {
      table.add([
        tally.name, result(of: tally), Quantity.count(tally.done), Quantity.count(tally.failures.count),
        Quantity.count(tally.requests), Quantity.count(tally.faults.reduce(0) { $0 + $1.count }),
        Quantity.duration(seconds: tally.virtualSeconds),
        Quantity.number(Double(tally.done) / max(tally.wallSeconds, 1e-6)),
        Quantity.number(Double(tally.requests) / max(tally.workerSeconds, 1e-6)),
      ])
    }
    var lines = [table.text]
    for tally in tallies {
      for figure in tally.figures {
        lines.append(
          "\(tally.name): \(figure.name) \(Quantity.number(figure.least)) … \(Quantity.number(figure.greatest))"
            + "\(figure.unit.isEmpty ? "" : " " + figure.unit), mean \(Quantity.number(figure.mean))"
            + (figure.count < tally.done ? ", in \(figure.count) of \(tally.done) runs" : ""))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// How a scenario came out, in a few words.
  static func result(of tally: ScenarioTally) -> String {
    if let worst = tally.failures.map(\.report.verdict).first {
      return worst.rawValue + (tally.wasCutShort ? ", cut short" : "")
    }
    if tally.done < tally.seeds.count { return "interrupted" }
    return tally.verified > 0 ? "passed, verified" : "passed"
  }
}
