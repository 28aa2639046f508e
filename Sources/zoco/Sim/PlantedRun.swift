import Explorer
import Foundation
import Reporting
import Scenarios

/// `zoco sim --planted`: looks for every planted bug and prints how fast it was found.
struct PlantedRun {
  var bugs: [PlantedBug]
  var limit: UInt64
  var workers: WorkerSetting

  func run() throws -> Exit {
    var hunt = PlantedHunt(bugs, limit: limit)
    let pool = try workers.pool(verifies: false)
    let toTerminal = isatty(STDERR_FILENO) == 1
    try pool.run(&hunt, isInterrupted: { Interruption.happened }) { hunt in
      guard toTerminal else { return }
      let over = hunt.hunts.count { $0.isOver(limit: hunt.limit) }
      let runs = hunt.hunts.reduce(0) { $0 + $1.runs }
      FileHandle.standardError.write(
        Data("\r\u{1B}[2K\(over)/\(hunt.hunts.count) bugs, \(Quantity.count(runs)) runs".utf8))
    }
    if toTerminal { FileHandle.standardError.write(Data("\r\u{1B}[2K".utf8)) }
    print(PlantedTable.text(hunt))
    if Interruption.happened { return .interrupted }
    if hunt.hunts.contains(where: { $0.trouble != nil }) { return .crashed }
    let survivors = hunt.survivors
    let sought = Quantity.count(Int(limit), "seed")
    print(
      survivors.isEmpty
        ? "all \(hunt.hunts.count) planted bugs were found"
        : "\(Quantity.count(survivors.count, "planted bug")) survived \(sought): the simulator has a hole")
    return survivors.isEmpty ? .passed : .invariantBroken
  }
}
