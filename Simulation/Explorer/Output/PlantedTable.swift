internal import Reporting
internal import Scenarios

/// The table of planted bugs: what found each, and how fast.
public enum PlantedTable {
  /// The table of `hunts`.
  public static func text(_ hunt: PlantedHunt) -> String {
    var table = TextTable([
      ("planted bug", .left), ("found by", .left), ("seeds", .right), ("virtual time", .right), ("real time", .right),
      ("what broke", .left),
    ])
    for one in hunt.hunts {
      let broke: String
      if let found = one.found {
        broke = found.finding
      } else if let trouble = one.trouble {
        broke =
          trouble.verdict == .crashed
          ? "harness failure: \(trouble.evidence.first ?? trouble.finding)"
          : "NOT EXPECTED at seed \(trouble.settings.seed): \(trouble.finding)"
      } else {
        broke = one.isOver(limit: hunt.limit) ? "SURVIVED" : "not played to the end"
      }
      table.add([
        one.bug.name, one.found?.settings.scenario ?? "–", Quantity.count(Int(one.seeds)),
        Quantity.duration(seconds: one.virtualSeconds), Quantity.duration(seconds: one.workerSeconds), broke,
      ])
    }
    return table.text
  }
}
