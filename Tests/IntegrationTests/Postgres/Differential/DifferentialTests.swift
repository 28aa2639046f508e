import Foundation
import Seams
import Synchronization
import Testing

@Suite("The simulated engine and real PostgreSQL do the same with random interleaved statements")
struct DifferentialTests {
  /// `ZOCO_DIFFERENTIAL_SEEDS=1..200,305`: ranges with both ends, and single seeds.
  private static func seeds() throws -> [UInt64] {
    guard let text = ProcessInfo.processInfo.environment["ZOCO_DIFFERENTIAL_SEEDS"] else { return Array(1...200) }
    return try text.split(separator: ",").flatMap { part -> ClosedRange<UInt64> in
      let bounds = part.split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
      guard let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last, bounds.count <= 2 else {
        throw ConformanceFailure("ZOCO_DIFFERENTIAL_SEEDS is seeds and ranges such as 1..200,305, not \(text)")
      }
      return first...last
    }
  }

  @Test func stepByStep() async throws {
    let seeds = try DifferentialTests.seeds()
    let board = Board(seeds)
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Lanes, because a schedule spends its time in waits that must be seen to last.
      for _ in 0..<4 {
        group.addTask {
          try await LiveDatabase.with { database in
            while let seed = board.takeSeed() {
              board.add(try await DifferentialTests.compare(seed, database))
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let figures = board.tally
    print("differential: \(figures)")
    for difference in figures.differences.prefix(5) { Issue.record(Comment(rawValue: difference)) }
    let agrees = figures.differences.isEmpty
    #expect(agrees, "\(figures), of seeds \(figures.seeds)")
    #expect(figures.deadlocks > 0 || seeds.count < 100, "the schedules must reach deadlocks")
    #expect(figures.waits > figures.schedules || seeds.count < 100, "the schedules must make sessions wait")
  }

  /// How many runs of the engine a schedule may need. A step that lets several statements go on at once is a race on a
  /// real server too, whose outcome must be one that the engine has: the kernel's seed decides which it takes.
  private static let orders: UInt64 = 64

  /// Plays one seed on both. A difference must show again with five and, four times, twenty-five times the patience: on a
  /// machine that stalls, a session may look for a deadlock late and another become the victim, and of two that are let go
  /// one after the other the second may overtake the first, which the engine never lets it (ADR 0003).
  private static func compare(_ seed: UInt64, _ database: LiveDatabase) async throws -> Verdict {
    var difference = ""
    var verdict = Verdict(seed: seed)
    for patience in [20, 100, 500, 500, 500, 500] {
      let generator = ScheduleGenerator(seed: seed)
      let live = try await LiveSchedule(database: database, patience: patience).play(generator)
      verdict.steps = live.steps.count
      verdict.waits = live.observations.count { !$0.waits.isEmpty }
      verdict.errors = live.observations.count {
        $0.ended.values.contains { if case .error = $0 { true } else { false } }
      }
      verdict.deadlocks = live.observations.count { $0.ended.values.contains(where: \.isDeadlock) }
      var closest: (difference: Transcript.Difference, transcript: Transcript)?
      for order in 0..<orders {
        let simulated = try SimulatedSchedule().play(
          live.steps, sessions: generator.sessions, seed: seed &+ order << 32)
        guard let found = live.firstDifference(from: simulated) else {
          verdict.isRace = order > 0
          return verdict
        }
        if found.step > closest?.difference.step ?? -1 { closest = (found, simulated) }
      }
      guard let closest else { preconditionFailure("no order was played") }
      difference = """
        seed \(seed): real PostgreSQL (first) and the simulated engine (second) differ at \(closest.difference)
        schedule and what real PostgreSQL did:
        \(live.rendered)
        what the simulated engine did, in the run of \(orders) that agreed the longest:
        \(closest.transcript.rendered)
        again: ZOCO_DIFFERENTIAL_SEEDS=\(seed)..\(seed) ./zoco test --filter DifferentialTests
        """
    }
    verdict.difference = difference
    return verdict
  }

  /// The seeds still to play, and what came of the others.
  private final class Board: Sendable {
    private let state: Mutex<(left: [UInt64], tally: Tally)>

    init(_ seeds: [UInt64]) { state = Mutex((left: seeds.reversed(), tally: Tally())) }

    func takeSeed() -> UInt64? { state.withLock { $0.left.popLast() } }

    func add(_ verdict: Verdict) { state.withLock { $0.tally.add(verdict) } }

    var tally: Tally { state.withLock { $0.tally } }
  }

  private struct Verdict: Sendable {
    let seed: UInt64
    var steps = 0
    var waits = 0
    var errors = 0
    var deadlocks = 0
    /// Whether the engine took another order of statements let go at once than real PostgreSQL in its first run.
    var isRace = false
    var difference: String?
  }

  private struct Tally: Sendable, CustomStringConvertible {
    var schedules = 0
    var steps = 0
    var waits = 0
    var errors = 0
    var deadlocks = 0
    var races = 0
    var differences: [String] = []
    /// Those that differ.
    var seeds: [UInt64] = []

    mutating func add(_ verdict: Verdict) {
      schedules += 1
      steps += verdict.steps
      waits += verdict.waits
      errors += verdict.errors
      deadlocks += verdict.deadlocks
      if verdict.isRace { races += 1 }
      guard let difference = verdict.difference else { return }
      differences.append(difference)
      seeds.append(verdict.seed)
    }

    var description: String {
      "\(schedules) schedules, \(steps) steps, \(waits) with waits, \(errors) with errors, "
        + "\(deadlocks) deadlocks, \(races) with a race that ended the other way round at first, "
        + "\(differences.count) differences"
    }
  }
}
