import Explorer
import Foundation
import Scenarios
import Testing

/// Real worker processes: the zoco executable that was built beside this test.
@Suite(.serialized) struct WorkerPoolTests {
  private func play(
    _ scenario: String, seeds: SeedRange, processes: Int = 2, verifies: Bool = false,
    _ change: (inout WorkerLimits) -> Void = { _ in }
  ) throws -> ScenarioTally {
    try sweep(scenario, seeds, processes, verifies, change).tally
  }

  private func sweep(
    _ scenario: String, _ seeds: SeedRange, _ processes: Int, _ verifies: Bool = false,
    _ change: (inout WorkerLimits) -> Void = { _ in }
  ) throws -> (tally: ScenarioTally, peakResidentBytes: Int) {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let executable = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("zoco").path
    try #require(FileManager.default.isExecutableFile(atPath: executable), "zoco is built beside the tests")
    var limits = WorkerLimits()
    change(&limits)
    var options = SeedSweep.Options()
    options.verifies = verifies
    let chosen = try #require(ScenarioCatalogue.scenario(named: scenario))
    var sweep = SeedSweep([(chosen, seeds)], options: options)
    let pool = try WorkerPool(command: [executable, "sim-worker"], processes: processes, limits: limits)
    try pool.run(&sweep)
    return (sweep.tallies[0], pool.peakResidentBytes)
  }

  /// 20 kB a run would be 6 MB here, and 200 MB in ten thousand runs.
  @Test func memoryDoesNotGrowWithTheNumberOfRuns() throws {
    let few = try sweep("stale-version", SeedRange(1, 40), 1)
    let many = try sweep("stale-version", SeedRange(1, 340), 1)
    #expect(few.tally.passed == 40 && many.tally.passed == 340)
    #expect(many.peakResidentBytes < few.peakResidentBytes + 6 << 20, "\(few.peakResidentBytes >> 20) MB for 40 runs")
  }

  @Test func theMemoryOfAShortSweepIsToldToo() throws {
    let peak = try sweep("selftest-echo", SeedRange(1, 1), 1).peakResidentBytes
    #expect(peak > 1 << 20)
  }

  @Test func runsAreTheSameInEveryProcess() throws {
    let tally = try play("selftest-echo", seeds: SeedRange(1, 40), verifies: true)
    #expect(tally.passed == 40)
    #expect(tally.verified == 40)
    #expect(tally.requests > 0)
  }

  @Test func aBrokenInvariantComesWithItsEvents() throws {
    let tally = try play("selftest-violation", seeds: SeedRange(1, 3))
    let report = try #require(tally.failures.first?.report)
    #expect(report.verdict == .invariantBroken)
    #expect(report.settings.seed == 3)
    #expect(report.evidence == ["seed 3"])
    #expect(report.events.contains { $0.detail == "about to break" })
    #expect(FailureText.text(of: report).contains("./zoco sim selftest-violation --seed 3"))
  }

  @Test func aStuckRunSaysWhatItWaitsFor() throws {
    let tally = try play("selftest-stuck", seeds: SeedRange(1, 1))
    let report = try #require(tally.failures.first?.report)
    #expect(report.verdict == .notConverged)
    #expect(report.evidence.contains { $0.contains("the answer that never comes") })
  }

  @Test func aTrapIsReportedWithItsSeedAndTheRestIsPlayed() throws {
    let tally = try play("selftest-trap", seeds: SeedRange(1, 5))
    let report = try #require(tally.failures.first?.report)
    #expect(report.verdict == .crashed)
    #expect(report.settings.seed == 2)
    #expect(report.evidence.contains { $0.contains("this scenario traps on purpose") })
    #expect(tally.passed == 4)
  }

  @Test func aRunWithoutEndIsStoppedAndReportedWithItsSeed() throws {
    let tally = try play("selftest-spin", seeds: SeedRange(1, 3)) { $0.timePerRun = .seconds(1) }
    #expect(tally.failures.map(\.report.settings.seed) == [2])
    #expect(tally.failures.first?.report.finding.contains("real time") == true)
    #expect(tally.passed == 2)
  }

  @Test func growingMemoryIsStoppedAndReportedWithItsSeed() throws {
    let tally = try play("selftest-memory", seeds: SeedRange(1, 3)) { $0.residentBytes = 256 << 20 }
    #expect(tally.failures.map(\.report.settings.seed) == [2])
    #expect(tally.failures.first?.report.finding.contains("MB") == true)
    #expect(tally.passed == 2)
  }

  @Test func aRunThatDiffersFromProcessToProcessShowsWhere() throws {
    let tally = try play("selftest-nondeterminism", seeds: SeedRange(1, 1), verifies: true)
    let report = try #require(tally.failures.first?.report)
    #expect(report.finding.contains("not deterministic"))
    #expect(report.evidence.contains { $0.contains("both") && $0.contains("step 320") })
    #expect(report.evidence.contains { $0.contains("first") && $0.contains("step 321 in process") })
    #expect(report.evidence.contains { $0.contains("second") && $0.contains("step 321 in process") })
  }
}
