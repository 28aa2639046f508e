import ArgumentParser

/// `zoco bench`: measurements, each with its baseline from the same run.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure, each number beside its baseline from the same run.",
    discussion: """
      Examples:
        zoco bench sim       simulated HTTP requests a second in inventory-chaos
      """,
    subcommands: [BenchSim.self])
}
