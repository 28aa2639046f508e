import Seams
import ServiceKit
import SimulationKernel
import Synchronization
import Testing

/// A committer on virtual time whose commit takes a set time, multiplies by ten, and fails when told to.
final class CommitBench: Sendable {
  struct Failure: Error {}

  typealias Committer = GroupCommitter<Int, Int, Int>

  let options: GroupCommitOptions
  let commitTime: Duration
  let key: @Sendable (Int) -> Int
  let recovery: @Sendable (any Error) -> GroupCommitRecovery
  /// Items that fail every batch that holds them.
  let poison = Mutex<Set<Int>>([])
  /// Items that are put back.
  let held = Mutex<Set<Int>>([])
  /// How many commits fail, whatever they hold.
  let failures = Mutex(0)
  private let committed = Mutex<[[Int]]>([])

  init(
    options: GroupCommitOptions = GroupCommitOptions(), commitTime: Duration,
    key: @escaping @Sendable (Int) -> Int = { $0 },
    recovery: @escaping @Sendable (any Error) -> GroupCommitRecovery = { _ in .fail }
  ) {
    self.options = options
    self.commitTime = commitTime
    self.key = key
    self.recovery = recovery
  }

  /// The batches that committed, in the order in which they did.
  var batches: [[Int]] { committed.withLock { $0 } }

  /// Runs `body` beside a running committer and finishes that when it returns.
  func run(_ body: @escaping @Sendable (Committer, SimulatedProcess) async throws -> Void) {
    let kernel = SimulationKernel(seed: 1)
    let outcome = kernel.run { process in
      let committer = Committer(
        clock: process.clock, entropy: process.entropy, options: self.options,
        conflictKeys: { [self.key($0)] }, recovery: self.recovery,
        commit: { try await self.commit($0, process) })
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await committer.run() }
        try await body(committer, process)
        committer.finish()
        try await group.waitForAll()
      }
    }
    #expect(outcome == .finished)
  }

  /// Submits one item and expects its outcome.
  func expect(_ expected: Int, from item: Int, _ committer: Committer) async throws {
    let outcome = try await committer.submit(item, deadline: .distantFuture)
    check(outcome == expected)
  }

  private func commit(
    _ batch: GroupCommitBatch<Int>, _ process: SimulatedProcess
  ) async throws -> [GroupCommitAnswer<Int>] {
    try await process.clock.sleep(for: commitTime)
    let mustFail = failures.withLock { failures in
      guard failures > 0 else { return false }
      failures -= 1
      return true
    }
    if mustFail || !poison.withLock({ $0.isDisjoint(with: batch.items) }) { throw Failure() }
    let held = held.withLock { $0 }
    committed.withLock { $0.append(batch.items.filter { !held.contains($0) }) }
    return batch.items.map { held.contains($0) ? .putBack : .outcome($0 * 10) }
  }

  /// Submits `items` one after the other without waiting for their outcomes, which are returned in their order; `nil`
  /// for an item that failed.
  @discardableResult
  func submit(
    _ items: [Int], every pause: Duration, to committer: Committer, _ process: SimulatedProcess
  ) async throws -> [Int?] {
    try await withThrowingTaskGroup(of: (Int, Int?).self) { group in
      for (index, item) in items.enumerated() {
        group.addTask { (index, try? await committer.submit(item, deadline: .distantFuture)) }
        try await process.clock.sleep(for: pause)
      }
      var outcomes = [Int?](repeating: nil, count: items.count)
      for try await (index, outcome) in group { outcomes[index] = outcome }
      return outcomes
    }
  }
}
