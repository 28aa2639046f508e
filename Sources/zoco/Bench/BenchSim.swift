import ArgumentParser
import Explorer
import Reporting
import Scenarios

/// `zoco bench sim`: how many simulated HTTP requests a second one core plays in a scenario with faults.
struct BenchSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim",
    abstract: "Simulated HTTP requests a second on one core, against a bare echo on the same kernel and network.",
    discussion: """
      Plays seeds of a scenario one after the other on one thread, then as long the bare echo of selftest-echo: the same
      kernel and network without service, JSON or SQL.

      Example:
        zoco bench sim --seconds 10
      """)

  @Option(help: "Real time to play for, in seconds.")
  var seconds = 10

  @Option(help: "The scenario to play.")
  var scenario = "inventory-chaos"

  func validate() throws {
    guard seconds >= 1 else { throw ValidationError("--seconds takes a number from 1 on") }
    guard ScenarioCatalogue.scenario(named: scenario) != nil else {
      throw ValidationError(
        SimCommand.unknown("scenario", scenario, among: ScenarioCatalogue.visible.map(\.name)))
    }
  }

  func run() throws {
    let echo = try measure("selftest-echo")
    let service = try measure(scenario)
    var table = TextTable([
      ("on one core", .left), ("runs", .right), ("requests", .right), ("requests/s", .right), ("× real time", .right),
    ])
    for (name, result) in [("echo (baseline)", echo), (scenario, service)] {
      table.add([
        name, Quantity.count(result.runs), Quantity.count(result.requests), Quantity.number(result.rate),
        Quantity.number(result.virtualSeconds / result.seconds),
      ])
    }
    print(table.text)
    print("ratio: \(Quantity.fixed(service.rate / echo.rate, 3)) of the bare echo's rate")
  }

  struct Measurement {
    var runs = 0
    var requests = 0
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
      result.virtualSeconds += report.virtualSeconds
    }
    result.seconds = started.duration(to: .now) / .seconds(1)
    return result
  }
}
