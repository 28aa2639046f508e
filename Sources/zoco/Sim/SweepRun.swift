import Explorer
import Foundation
import Reporting
import Scenarios

/// How many workers play, and what they may take.
struct WorkerSetting {
  var jobs: Int
  var limits: WorkerLimits

  /// A pool of these workers. One process too few to compare two is made up for by an idle one.
  func pool(verifies: Bool) throws -> WorkerPool {
    try WorkerPool(
      command: [ReExecution.executable, "sim-worker"], processes: verifies ? max(2, jobs) : jobs, concurrency: jobs,
      limits: limits)
  }
}

/// One sweep on the command line, from its first seed to its reports.
struct SweepRun {
  var plans: [(scenario: any Scenario, seeds: SeedRange)]
  var options: SeedSweep.Options
  var isSingle: Bool
  var trace: Bool
  var json: String?
  var workers: WorkerSetting

  /// Plays the sweep, prints its progress and its table and writes its reports.
  func run() throws -> Exit {
    let toTerminal = isatty(STDERR_FILENO) == 1
    let progress = ProgressDisplay(isTerminal: toTerminal) { text in
      FileHandle.standardError.write(Data(text.utf8))
    }
    var sweep = SeedSweep(plans, options: options)
    let pool = try workers.pool(verifies: options.verifies)
    try pool.run(&sweep, isInterrupted: { Interruption.happened }) { sweep in
      if !isSingle { progress.show(sweep.tallies) }
    }
    let interrupted = Interruption.happened
    let quiet = json == "-"
    if !quiet {
      if trace { printTrace(sweep) }
      for tally in sweep.tallies {
        for failure in tally.failures.prefix(3) {
          print(FailureText.text(of: failure.report, width: Terminal.width ?? FailureText.usualWidth))
        }
        for failure in tally.failures.dropFirst(3) {
          let report = failure.report
          print("✗ \(report.settings.scenario), seed \(report.settings.seed): \(report.finding)")
        }
      }
      print("\n" + SweepTable.text(sweep.tallies))
      if isSingle { printHashes(sweep) }
      if !isSingle { print("largest worker: \(pool.peakResidentBytes >> 20) MB") }
      if interrupted { print("interrupted: the table shows what was played until then") }
    }
    try writeReports(sweep, interrupted: interrupted, quiet: quiet)
    if sweep.worst == .passed, interrupted { return .interrupted }
    return Exit(sweep.worst)
  }

  /// Prints every event: whole where it goes to a file or another program, cut at the width of a terminal.
  private func printTrace(_ sweep: SeedSweep) {
    let width = Terminal.width
    for event in sweep.tallies.compactMap(\.onlyRun).flatMap(\.events) {
      print(width.map { event.description.cut(to: $0) } ?? event.description)
    }
  }

  private func printHashes(_ sweep: SeedSweep) {
    for tally in sweep.tallies {
      guard let run = tally.onlyRun else { continue }
      if !run.drawn.isEmpty { print("\(tally.name): " + run.drawn.joined(separator: "; ")) }
      let verified = tally.verified > 0 ? ", the same in a second process" : ""
      print("\(tally.name) seed \(run.settings.seed): hash \(run.hash), \(run.eventCount) events\(verified)")
    }
  }

  private func writeReports(_ sweep: SeedSweep, interrupted: Bool, quiet: Bool) throws {
    let formatter = ISO8601DateFormatter()
    let subtitle =
      "Deterministic simulation of the services, \(formatter.string(from: Date())), "
      + "\(workers.jobs) worker \(workers.jobs == 1 ? "process" : "processes")"
    let command = (["./zoco"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
    let page = SimulationPage.page(sweep.tallies, interrupted: interrupted, subtitle: subtitle, command: command)
    let file = Reports.folder.appendingPathComponent("simulation.html")
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(page.html.utf8).write(to: file, options: .atomic)
    if !quiet { print("report: \(Reports.shortPath(of: file))") }
    guard let json else { return }
    let summary = try SimulationSummary(sweep, interrupted: interrupted).json()
    if json == "-" {
      try FileHandle.standardOutput.write(contentsOf: summary)
    } else {
      try summary.write(to: URL(fileURLWithPath: json), options: .atomic)
    }
  }
}
