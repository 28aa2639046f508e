import Checkers
import Scenarios
import Testing

/// That the simulator can see what a missing lock order does. `./zoco sim` plays far more seeds.
@Suite struct OppositeOrderTests {
  private static func play(planting bug: String? = nil) -> [RunReport] {
    (1...10).map { ScenarioRunner.run(RunSettings(scenario: "opposite-order", seed: $0, plantedBug: bug)) }
  }

  @Test func withTheLockOrderEveryRunPasses() {
    for report in Self.play() { #expect(report.verdict == .passed, "seed \(report.settings.seed)") }
  }

  @Test func withoutTheLockOrderDeadlocksAppearAreRetriedAndResolve() {
    let reports = Self.play(planting: "lock-order-removed")
    let found = reports.filter { $0.verdict == .invariantBroken }
    #expect(found.count >= 5)
    // Orders that are not reserved in the end would be the finding.
    #expect(found.allSatisfy { $0.invariant == .lockOrder })
    #expect(reports.allSatisfy { [.passed, .invariantBroken].contains($0.verdict) })
  }
}
