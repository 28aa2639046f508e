package import Seams
import Synchronization

/// Gathers what concurrent callers want committed, and commits it a batch at a time.
///
/// A lane takes whatever waits, commits it, and only then takes again: a batch closes when the one before it has
/// committed, not on a timer. So an idle committer adds no waiting time, and a busy one makes its batches as large as
/// the load demands (the "group commit" of DeWitt et al., SIGMOD 1984).
///
/// A batch never fails an item that would have succeeded alone: one that fails is tried again, and then in halves,
/// until what cannot succeed has failed alone. The commit must therefore be safe to run again, after an ambiguous
/// failure too.
package final class GroupCommitter<Item: Sendable, Outcome: Sendable, Key: Hashable & Sendable>: Sendable {
  /// Commits a batch, all or nothing, and answers for each item.
  package typealias Commit = @Sendable (GroupCommitBatch<Item>) async throws -> [GroupCommitAnswer<Outcome>]

  let clock: any MonotonicClock
  let entropy: any EntropySource
  let options: GroupCommitOptions
  let recovery: @Sendable (any Error) -> GroupCommitRecovery
  let commit: Commit
  private let conflictKeys: @Sendable (Item) -> [Key]
  private let lanes: [Doorbell]
  private let sweeper = Doorbell()
  private let state: Mutex<State>

  private struct State {
    var queue = GroupCommitQueue<Waiter, Key>()
    var running: [[Waiter]]
    var idleLanes: [Int] = []
    var isSweeperIdle = false
    var isFinishing = false
    var hasStopped = false
  }

  /// A committer. It commits nothing until ``run()`` runs.
  ///
  /// - Parameters:
  ///   - conflictKeys: what an item touches; items that share a key keep their order of arrival, with several lanes too.
  ///   - recovery: what to do when `commit` threw.
  ///   - commit: may put items back that something else holds up; it should wait a while before it puts back a batch
  ///     that holds nothing else, since it is asked again at once.
  package init(
    clock: any MonotonicClock, entropy: any EntropySource, options: GroupCommitOptions,
    conflictKeys: @escaping @Sendable (Item) -> [Key],
    recovery: @escaping @Sendable (any Error) -> GroupCommitRecovery,
    commit: @escaping Commit
  ) {
    precondition(options.lanes >= 1 && options.maximumBatch >= 1, "a committer needs a lane and room in its batch")
    self.clock = clock
    self.entropy = entropy
    self.options = options
    self.conflictKeys = conflictKeys
    self.recovery = recovery
    self.commit = commit
    lanes = (0..<options.lanes).map { _ in Doorbell() }
    state = Mutex(State(running: Array(repeating: [], count: options.lanes)))
  }

  // MARK: - Callers

  /// Commits `item` in a batch with others.
  ///
  /// - Parameter deadline: when to stop waiting; an item that has not been started by then never is.
  /// - Throws: ``GroupCommitError``; `CancellationError` when the task is cancelled (a batch that holds the item goes
  ///   on); what the commit of the item threw.
  package func submit(_ item: Item, deadline: MonotonicInstant) async throws -> Outcome {
    guard clock.now < deadline else { throw GroupCommitError.deadlineExceeded(wasStarted: false) }
    // One lane cannot conflict with itself: keys would only cost.
    let keys = lanes.count > 1 ? conflictKeys(item) : []
    let waiter = Waiter(item: item, keys: keys, deadline: deadline)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        waiter.install(continuation)
        enqueue(waiter)
      }
    } onCancel: {
      waiter.resolve(.failure(CancellationError()))
    }
  }

  private func enqueue(_ waiter: Waiter) {
    let (refusal, wake, wakeSweeper) = state.withLock { state -> (GroupCommitError?, Int?, Bool) in
      if state.hasStopped || state.isFinishing { return (.stopped, nil, false) }
      if state.queue.count >= options.maximumQueued { return (.queueFull, nil, false) }
      state.queue.append(waiter, keys: waiter.keys)
      let wakeSweeper = state.isSweeperIdle
      state.isSweeperIdle = false
      return (nil, state.idleLanes.popLast(), wakeSweeper)
    }
    if let refusal { waiter.resolve(.failure(refusal)) }
    if let wake { lanes[wake].ring() }
    if wakeSweeper { sweeper.ring() }
  }

  /// How many items wait for a batch.
  package var queued: Int { state.withLock { $0.queue.count } }

  // MARK: - Running

  /// Commits until ``finish()`` was called and all is done, or the task is cancelled.
  ///
  /// Every item that is still waiting when it ends gets ``GroupCommitError/stopped`` or `CancellationError`.
  package func run() async throws {
    defer { stop() }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for lane in lanes.indices {
        group.addTask {
          try await self.runLane(lane)
          return true
        }
      }
      group.addTask {
        try await self.sweepDeadlines()
        return false
      }
      var lanesLeft = lanes.count
      while lanesLeft > 0, let wasLane = try await group.next() {
        if wasLane { lanesLeft -= 1 }
      }
      group.cancelAll()
      // The sweeper ends by its cancellation, which is no failure.
      while let result = await group.nextResult() { _ = result }
    }
  }

  /// Accepts nothing more, and lets ``run()`` end once all that waits is done.
  package func finish() {
    state.withLock {
      $0.isFinishing = true
      $0.idleLanes.removeAll()
    }
    for lane in lanes { lane.ring() }
  }

  private func stop() {
    let left = state.withLock { state -> [Waiter] in
      state.hasStopped = true
      var left: [Waiter] = []
      state.queue.forEach { left.append($0) }
      left += state.running.joined()
      state.queue.removeAll { _ in true }
      for lane in state.running.indices { state.running[lane] = [] }
      return left
    }
    for waiter in left { waiter.resolve(.failure(GroupCommitError.stopped)) }
  }

  private func runLane(_ lane: Int) async throws {
    while let (batch, keys) = try await nextBatch(lane) {
      end(lane, keys, putBack: try await settle(batch))
    }
  }

  /// The next batch of a lane; `nil` when there will be none.
  private func nextBatch(_ lane: Int) async throws -> (batch: [Waiter], keys: [Key])? {
    while true {
      let (next, isOver) = state.withLock { state -> ((batch: [Waiter], keys: [Key])?, Bool) in
        let taken = state.queue.take(upTo: options.maximumBatch)
        if !taken.elements.isEmpty {
          state.running[lane] = taken.elements
          return ((taken.elements, taken.keys), false)
        }
        // Others may still hold what this lane waits for.
        if state.isFinishing && state.queue.isEmpty { return (nil, true) }
        if !state.idleLanes.contains(lane) { state.idleLanes.append(lane) }
        return (nil, false)
      }
      if let next { return next }
      if isOver { return nil }
      try await lanes[lane].wait()
    }
  }

  private func end(_ lane: Int, _ keys: [Key], putBack: [Waiter]) {
    let wake = state.withLock { state -> [Int] in
      state.running[lane] = []
      state.queue.release(keys)
      if !putBack.isEmpty {
        state.queue.putBack(putBack.filter { !$0.isResolved }.map { ($0, $0.keys) })
      }
      // What was blocked by this batch may suit a lane that went idle over it.
      guard !state.queue.isEmpty || state.isFinishing else { return [] }
      let wake = state.idleLanes
      state.idleLanes.removeAll()
      return wake
    }
    for lane in wake { lanes[lane].ring() }
  }

  // MARK: - Deadlines

  /// Answers callers whose deadline has passed. One task for all of them, since one timer for each would cost every
  /// request what only few need.
  private func sweepDeadlines() async throws {
    while true {
      let now = clock.now
      let (late, earliest) = state.withLock { state -> ([Waiter], MonotonicInstant?) in
        var late: [Waiter] = []
        var earliest: MonotonicInstant?
        func look(_ waiter: Waiter, until deadline: MonotonicInstant) {
          if deadline <= now {
            late.append(waiter)
          } else if deadline < (earliest ?? .distantFuture) {
            earliest = deadline
          }
        }
        state.queue.forEach { look($0, until: $0.deadline) }
        // A commit gets a moment longer than its deadline, so that a caller hears why it failed.
        for batch in state.running {
          for waiter in batch where !waiter.isResolved {
            look(waiter, until: waiter.deadline.advanced(by: options.deadlineResolution))
          }
        }
        if !late.isEmpty { state.queue.removeAll { $0.deadline <= now } }
        if earliest == nil { state.isSweeperIdle = true }
        return (late, earliest)
      }
      for waiter in late { waiter.expire() }
      if let earliest {
        try await clock.sleep(until: min(earliest, now.advanced(by: options.deadlineResolution)), tolerance: nil)
      } else {
        try await sweeper.wait()
      }
    }
  }
}
