import ArgumentParser
import Explorer
import Reporting
import Scenarios

/// `zoco bench sim`: how many simulated HTTP requests, and orders, a second one core plays in scenarios with faults.
struct BenchSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim",
    abstract: "Simulated requests and orders a second on one core, against a bare echo on the same kernel and network.",
    discussion: """
      Plays seeds of each scenario one after the other on one thread, and as long the bare echo of selftest-echo: the \
      same kernel and network without service, JSON or SQL. An order counts whatever became of it: in checkout-chaos it \
      goes through orders, inventory, payments, broker and cache while all of them fail.

      Example:
        zoco bench sim --seconds 10
      """)

  @Option(help: "Real time to play each for, in seconds.")
  var seconds = 10

  @Option(help: "A scenario to play; may be given several times.")
  var scenario = ["inventory-chaos", "checkout-chaos"]

  func validate() throws {
    guard seconds >= 1 else { throw ValidationError("--seconds takes a number from 1 on") }
    for name in scenario where ScenarioCatalogue.scenario(named: name) == nil {
      throw ValidationError(SimCommand.unknown("scenario", name, among: ScenarioCatalogue.visible.map(\.name)))
    }
  }

  func run() throws {
    let echo = try measure("selftest-echo")
    let measured = try scenario.map { ($0, try measure($0)) }
    var table = TextTable([
      ("on one core", .left), ("runs", .right), ("requests", .right), ("requests/s", .right), ("of echo's", .right),
      ("orders", .right), ("orders/s", .right), ("× real time", .right),
    ])
    for (name, result) in [("echo (baseline)", echo)] + measured {
      table.add([
        name, Quantity.count(result.runs), Quantity.count(result.requests), Quantity.number(result.rate),
        Quantity.fixed(result.rate / echo.rate, 3), result.orders == 0 ? "–" : Quantity.count(result.orders),
        result.orders == 0 ? "–" : Quantity.number(Double(result.orders) / result.seconds),
        Quantity.number(result.virtualSeconds / result.seconds),
      ])
    }
    print(table.text)
  }

  struct Measurement {
    var runs = 0
    var requests = 0
    var orders = 0
    var seconds = 0.0
    var virtualSeconds = 0.0
    var rate: Double { Double(requests) / seconds }
  }

  private func measure(_ name: String) throws -> Measurement {
    var result = Measurement()
    let started = ContinuousClock.now
    var seed: UInt64 = 0
    while started.duration(to: .now) < .seconds(seconds) {
      seed += 1
      let report = ScenarioRunner.run(RunSettings(scenario: name, seed: seed))
      guard report.verdict == .passed else {
        throw ValidationError("\(name) seed \(seed) did not pass: \(report.finding)")
      }
      result.runs += 1
      result.requests += report.requestCount
      result.orders += report.orderCount
      result.virtualSeconds += report.virtualSeconds
    }
    result.seconds = started.duration(to: .now) / .seconds(1)
    return result
  }
}
