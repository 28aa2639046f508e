import ArgumentParser
import Foundation

/// The harness: the simulator, the judge of histories and the benchmarks.
@main
struct Zoco: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoco",
    abstract: "Break Zoco's services in a deterministic simulation, judge histories, and measure.",
    discussion: """
      zoco sim runs the real service code on simulated hosts, clocks, networks and databases, where a seed draws races,
      crashes, partitions and lost commits. A failure is a seed that replays bit for bit.

      Examples:
        zoco sim                        every scenario, about a minute
        zoco sim last-item --seed 7     one run, with its hash
        zoco sim --planted              how fast the simulator finds bugs planted on purpose
        zoco bench kernel               how fast the simulation runs
        zoco check-history h.edn --model register   whether a Jepsen-style log is linearizable
      """,
    subcommands: [SimCommand.self, BenchCommand.self, CheckHistoryCommand.self, WorkerCommand.self])

  static func main() {
    ReExecution.ensureEnvironment()
    main(nil)
  }
}
