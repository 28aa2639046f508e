import Checkers
import Faults
import Scenarios
import SimulatedNetwork
import SimulationKernel
import Testing

@Suite(.serialized) struct ScenarioRunTests {
  @Test(arguments: ScenarioCatalogue.visible.map(\.name), [UInt64(1), 2])
  func everyScenarioPassesAndIsTheSameTheSecondTime(_ name: String, _ seed: UInt64) {
    let first = ScenarioRunner.run(RunSettings(scenario: name, seed: seed))
    #expect(first.verdict == .passed, "\(first.finding): \(first.evidence)")
    #expect(first.requestCount > 0)
    let second = ScenarioRunner.run(RunSettings(scenario: name, seed: seed))
    #expect(first.hash == second.hash)
  }

  @Test func keepingEventsChangesNothing() {
    let settings = RunSettings(scenario: "inventory-chaos", seed: 9)
    let plain = ScenarioRunner.run(settings)
    var recording = RunRecording(latestEvents: nil)
    recording.checkpointInterval = 1_000
    let recorded = ScenarioRunner.run(settings, recording: recording)
    #expect(plain.hash == recorded.hash)
    #expect(plain.events.isEmpty && !recorded.events.isEmpty)
    #expect(recorded.checkpoints.count == Int(recorded.eventCount / 1_000))
  }

  /// Evidence and events are for people: no Swift values, ids as everywhere, one line each.
  @Test(arguments: [
    ("stale-version", "put-without-version"), ("stale-version", "version-won-twice"),
    ("expiry", "confirm-after-expiry"),
    ("inventory-chaos", "commit-swallowed"), ("inventory-chaos", "idempotency-key-not-claimed"),
  ])
  func aFailureIsToldInWords(_ scenario: String, _ bug: String) throws {
    let failure = try #require(
      (1...40).lazy.map { seed in
        ScenarioRunner.run(
          RunSettings(scenario: scenario, seed: seed, plantedBug: bug), recording: RunRecording(latestEvents: 400))
      }.first { $0.verdict == .invariantBroken })
    let upperCaseID = /[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-/
    for line in failure.evidence + failure.events.map(\.detail) {
      for needle in ["SQLValue", "ClientRecord", "Optional(", "Essentials", "(orderId:", "productId:"] {
        #expect(!line.contains(needle), "\(line)")
      }
      let isOneLine = !line.contains { $0.isNewline }
      #expect(isOneLine, "\(line)")
      for match in line.matches(of: upperCaseID) {
        #expect(match.output.allSatisfy { !$0.isLetter }, "\(line)")
      }
    }
    #expect(failure.events.contains { $0.kind == "sql" } && failure.events.contains { $0.kind == "client" })
  }

  /// The simulator found a bug with each of these, long mended.
  @Test(arguments: [UInt64(50), 382])
  func seedsThatOnceFoundABugPass(_ seed: UInt64) {
    let report = ScenarioRunner.run(RunSettings(scenario: "inventory-chaos", seed: seed))
    #expect(report.verdict == .passed, "\(report.finding): \(report.evidence)")
  }

  /// A run's whole world is let go of: ten thousand runs take the memory of a few.
  @Test func aFinishedRunLeavesNothingBehind() {
    weak var kernel: SimulationKernel?
    weak var network: Network?
    do {
      let world = World(settings: RunSettings(scenario: "inventory-chaos", seed: 4))
      (kernel, network) = (world.kernel, world.network)
      #expect(InventoryChaos().play(in: world) == .finished)
      #expect(world.kernel.reap().isEmpty)
    }
    #expect(kernel == nil && network == nil)
  }

  @Test func chaosInjectsEveryKindOfFault() {
    var missing = Set(FaultKind.all.map(\.name))
    for seed in UInt64(1)...40 where !missing.isEmpty {
      let report = ScenarioRunner.run(RunSettings(scenario: "inventory-chaos", seed: seed))
      #expect(report.verdict == .passed, "seed \(seed): \(report.finding): \(report.evidence)")
      missing.subtract(report.faults.map(\.kind))
    }
    #expect(missing.isEmpty, "did not happen: \(missing.sorted())")
  }

  @Test func checkoutChaosInjectsEveryKindOfFault() {
    var missing = Set((FaultKind.all + FaultKind.ofCache + FaultKind.ofBroker).map(\.name))
    missing.remove(FaultKind.databaseFailOver.name)
    for seed in UInt64(1)...60 where !missing.isEmpty {
      let report = ScenarioRunner.run(RunSettings(scenario: "checkout-chaos", seed: seed))
      #expect(report.verdict == .passed, "seed \(seed): \(report.finding): \(report.evidence)")
      missing.subtract(report.faults.map(\.kind))
    }
    #expect(missing.isEmpty, "did not happen: \(missing.sorted())")
  }

  @Test func instancesDieAtEveryPointOfASaga() {
    var reached: Set<String> = []
    for seed in UInt64(1)...100 where reached.count < 11 {
      let report = ScenarioRunner.run(RunSettings(scenario: "crash-mid-saga", seed: seed))
      #expect(report.verdict == .passed, "seed \(seed): \(report.finding): \(report.evidence)")
      reached.formUnion(report.figures.filter { $0.name.hasPrefix("deaths: ") && $0.value > 0 }.map(\.name))
    }
    #expect(reached.count == 11, "\(reached.sorted())")
  }

  @Test func redisDownInjectsEveryKindOfCacheFault() {
    var missing = Set(FaultKind.ofCache.map(\.name))
    for seed in UInt64(1)...20 where !missing.isEmpty {
      let report = ScenarioRunner.run(RunSettings(scenario: "redis-down", seed: seed))
      #expect(report.verdict == .passed, "seed \(seed): \(report.finding): \(report.evidence)")
      missing.subtract(report.faults.map(\.kind))
    }
    #expect(missing.isEmpty, "did not happen: \(missing.sorted())")
  }
}

@Suite(.serialized) struct PlantedBugTests {
  /// Seeds within which a bug must be found here; `zoco sim --planted` allows a thousand.
  static let patience: UInt64 = 150

  /// Each bug with each of the scenarios that are to find it.
  static let pairs = PlantedBugCatalogue.all.flatMap { bug in bug.scenarios.map { (bug.name, $0) } }

  @Test(arguments: pairs)
  func everyPlantedBugChangesSomethingAndIsFoundAsExpected(_ name: String, _ scenario: String) throws {
    let bug = try #require(PlantedBugCatalogue.bug(named: name))
    let isRewrite =
      !bug.rewrites.isEmpty || bug.splitsAfter != nil || bug.commits != nil || !bug.cache.isEmpty
      || bug.asksCacheForRows || bug.swallows != nil || !bug.broker.isEmpty
    var changes = 0.0
    for seed in 1...Self.patience {
      let report = ScenarioRunner.run(RunSettings(scenario: scenario, seed: seed, plantedBug: name))
      changes += report.figures.first { $0.name == "statements sabotaged" }?.value ?? 0
      guard report.verdict != .passed else { continue }
      #expect(bug.isFound(by: report), "seed \(seed): \(report.finding): \(report.evidence)")
      #expect(!isRewrite || changes > 0, "\(name) was found without having changed a statement")
      return
    }
    Issue.record("\(name) survived \(Self.patience) seeds and changed \(Int(changes)) statements")
  }

  /// What each checker may find broken.
  static let allInvariants =
    StoreCheckers.all.map(\.invariants) + HistoryCheckers.make().map(\.invariants)
    + OrderCheckers.all.map(\.invariants)
    + [CacheAgreesAtRest().invariants, AcceptedOrdersAreStored().invariants, ToldOrdersAreTrue().invariants]

  /// Some bug can be found by this checker alone: a checker that finds nothing any more makes it survive.
  @Test(
    arguments: allInvariants)
  func everyCheckerIsExpectedByAPlantedBug(_ invariants: Set<Invariant>) {
    #expect(PlantedBugCatalogue.all.contains { $0.expected.isSubset(of: invariants) })
  }

  @Test func everyInvariantHasOneCheckerAtMost() {
    let all = Self.allInvariants
    #expect(all.reduce(0) { $0 + $1.count } == all.reduce(Set()) { $0.union($1) }.count)
  }

  @Test func everyPlantedBugHasANameOfItsOwnAndSaysWhatItBreaks() {
    #expect(Set(PlantedBugCatalogue.all.map(\.name)).count == PlantedBugCatalogue.all.count)
    #expect(PlantedBugCatalogue.all.allSatisfy { !$0.expected.isEmpty && !$0.scenarios.isEmpty })
  }

  @Test func withoutTheLockOrderDeadlocksComeAreRetriedAndResolve() throws {
    for seed in UInt64(1)...200 {
      let report = ScenarioRunner.run(
        RunSettings(scenario: "opposite-order", seed: seed, plantedBug: "lock-order-removed"))
      guard report.verdict != .passed else { continue }
      #expect(report.invariant == .lockOrder)
      #expect(report.evidence.contains { $0.contains("40P01") })
      // Every order was reserved in the end.
      #expect((report.figures.first { $0.name == "orders reserved" }?.value ?? 0) > 0)
      #expect((report.figures.first { $0.name == "deadlocks" }?.value ?? 0) > 0)
      return
    }
    Issue.record("no deadlock in 200 seeds")
  }

  @Test func withTheLockOrderNoDeadlockComes() {
    for seed in UInt64(1)...30 {
      let report = ScenarioRunner.run(RunSettings(scenario: "opposite-order", seed: seed))
      #expect(report.figures.first { $0.name == "deadlocks" }?.value == 0)
    }
  }
}
