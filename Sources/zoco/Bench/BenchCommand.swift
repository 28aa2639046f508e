import ArgumentParser

/// `zoco bench`: measurements, each with its baseline from the same run.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure, each number beside its baseline from the same run.",
    discussion: """
      Examples:
        zoco bench cache     what the cache holds against JSON
        zoco bench kernel    round trips a second over the simulated network
        zoco bench history   a history of 10,000 operations judged
        zoco bench orders    POST /orders against pgbench, with sagas running
        zoco bench reserve   POST /inventory/reserve against pgbench
        zoco bench sim       simulated HTTP requests a second in inventory-chaos
      """,
    subcommands: [
      BenchCache.self, BenchKernel.self, BenchHistory.self, BenchOrders.self, BenchReserve.self, BenchSim.self,
    ])
}
