import DequeModule
import FoundationEssentials
import Logging
import Seams
import ServiceKit
import Synchronization

/// Drives sagas: those of the orders that this instance makes, and those that nobody drives any more.
///
/// A saga belongs to one instance at a time by a lease in its row, and each of its steps is recorded before it begins and
/// after it has ended. An instance that is cut off or paused longer than its lease finds, when it records, that the lease's
/// number has changed: its record is refused, and the calls it has made are the same that the new owner makes.
final class SagaEngine: Sendable {
  /// How an engine works.
  struct Options: Sendable, Hashable {
    /// How many sagas are driven at the same time.
    var concurrency = 256
    /// How often sagas are looked for that nobody drives; each pause is jittered by a tenth.
    var pollInterval = Duration.milliseconds(500)
    /// How long a transaction may take.
    var databaseTimeout = Duration.seconds(10)
    var times = SagaTimes()
    /// How records are gathered.
    var groupCommit = GroupCommitOptions()
  }

  private struct State {
    /// Sagas that are ours, with the time since when, the oldest first; those that do not fit in wait.
    var waiting: Deque<(saga: Saga, since: MonotonicInstant)> = []
    var running = 0
    var isRunning = false
    var isStopping = false
  }

  /// Names this instance in leases.
  let owner: UUID
  private let database: OrdersDatabase
  private let calls: SagaCalls
  private let options: Options
  private let environment: ServiceEnvironment
  private let recorder: GroupCommitter<SagaRecord, RecordOutcome, UUID>
  private let didSettle: @Sendable (UUID) -> Void
  private let work = Doorbell()
  private let look = Doorbell()
  private let ended = Doorbell()
  private let state = Mutex(State())

  /// - Parameter didSettle: learns of an order that has come to its final state.
  init(
    database: OrdersDatabase, calls: SagaCalls, options: Options, didSettle: @escaping @Sendable (UUID) -> Void
  ) {
    self.database = database
    self.calls = calls
    self.options = options
    self.didSettle = didSettle
    environment = database.environment
    let owner = database.environment.entropy.uuid()
    self.owner = owner
    let (times, entropy, clock) = (options.times, environment.entropy, environment.clock)
    recorder = GroupCommitter(
      clock: clock, entropy: entropy, options: options.groupCommit,
      conflictKeys: { [$0.saga.orderId] }, recovery: GroupCommitRecovery.forTransaction,
      commit: { batch in
        let answers = try await database.record(batch, owner: owner, times: times) { saga in
          let nominal = min(times.longestRest, times.firstRest * (1 << min(max(0, saga.attempts - 2), 10)))
          return entropy.jittered(nominal, spread: 0.2)
        }
        // Somebody changes the rows of all that is left: that takes a moment.
        if answers.allSatisfy(\.isPutBack) {
          try await clock.sleep(until: clock.now.advanced(by: .milliseconds(20)), tolerance: nil)
        }
        return answers
      })
  }

  /// Takes the sagas of orders that were made here.
  func begin(_ sagas: [Saga]) {
    guard !sagas.isEmpty else { return }
    let now = environment.clock.now
    state.withLock { $0.waiting.append(contentsOf: sagas.map { ($0, now) }) }
    work.ring()
  }

  /// Looks at once for sagas that nobody drives: one of them was woken.
  func wake() { look.ring() }

  /// Drives sagas until ``finish(by:)``, and what runs then to its next record; or until cancellation.
  func run() async throws {
    state.withLock { $0.isRunning = true }
    defer { ended.ring() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.recorder.run() }
      group.addTask { try await self.lookRegularly() }
      try await drive()
      recorder.finish()
      await letGo()
      group.cancelAll()
    }
  }

  /// Leaves the sagas of this instance to the others at once, instead of at the end of their leases.
  private func letGo() async {
    do {
      try await database.letGo(owner, deadline: environment.clock.now.advanced(by: options.databaseTimeout))
    } catch {
      environment.logger.info("sagas are left to the end of their leases", metadata: ["error": .string("\(error)")])
    }
  }

  /// Begins no step any more, and waits until those under way are recorded, or until `deadline`.
  func finish(by deadline: MonotonicInstant) async {
    let isRunning = state.withLock { state in
      state.isStopping = true
      return state.isRunning
    }
    guard isRunning else { return }
    work.ring()
    do {
      try await withDeadline(deadline, clock: environment.clock) { try await self.ended.wait() }
    } catch {
      environment.logger.warning("sagas were left at a step", metadata: ["error": .string("\(error)")])
    }
  }

  // MARK: - Finding work

  private func lookRegularly() async throws {
    let clock = environment.clock
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while true {
          let pause = self.environment.entropy.jittered(self.options.pollInterval, spread: 0.1)
          try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
          self.look.ring()
        }
      }
      group.addTask {
        while true {
          try await self.look.wait()
          try await self.claim()
        }
      }
      try await group.waitForAll()
    }
  }

  /// Claims as many sagas as there is room for.
  private func claim() async throws {
    let room = state.withLock { $0.isStopping ? 0 : options.concurrency - $0.running - $0.waiting.count }
    guard room > 0 else { return }
    do {
      let deadline = environment.clock.now.advanced(by: options.databaseTimeout)
      let limit = min(room, 100)
      let claimed = try await database.claim(limit: limit, owner: owner, times: options.times, deadline: deadline)
      begin(claimed)
      // As many as were asked for: there may be more.
      if claimed.count == limit { look.ring() }
    } catch let error as SQLError {
      environment.logger.warning("looking for sagas failed", metadata: ["error": .string("\(error)")])
    }
  }

  // MARK: - Driving

  private func drive() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        while let saga = takeNext() {
          group.addTask {
            try await self.drive(saga)
            self.state.withLock { $0.running -= 1 }
            self.work.ring()
          }
        }
        if state.withLock({ $0.isStopping && $0.running == 0 }) { return }
        try await work.wait()
      }
    }
  }

  private func takeNext() -> Saga? {
    // Somebody else may have taken what has waited for long: it is left to its lease's end.
    let oldest = environment.clock.now.advanced(by: .zero - options.times.lease / 2)
    return state.withLock { state in
      guard !state.isStopping else { return nil }
      while let first = state.waiting.first, first.since < oldest { state.waiting.removeFirst() }
      guard state.running < options.concurrency, !state.waiting.isEmpty else { return nil }
      state.running += 1
      return state.waiting.removeFirst().saga
    }
  }

  /// Drives a saga until it is over, rests, or is not ours any more.
  private func drive(_ first: Saga) async throws {
    var next: Saga? = first
    while let saga = next {
      let deadline = environment.clock.now.advanced(by: options.times.step)
      let outcome = try await calls.perform(saga, deadline: deadline)
      do {
        next = try await record(SagaRecord(saga: saga, outcome: outcome))
      } catch let error where error is SQLError || error is GroupCommitError || error is Problem {
        // The lease ends, and whoever takes the saga then makes the same calls again.
        environment.logger.warning(
          "a saga's step could not be recorded",
          metadata: [
            "order": .string(saga.orderId.canonicalText), "step": .string(saga.step.rawValue),
            "error": .string("\(error)"),
          ])
        return
      }
      if state.withLock({ $0.isStopping }) { return }
    }
  }

  /// Records a step.
  ///
  /// - Returns: the saga, if it goes on at once.
  private func record(_ record: SagaRecord) async throws -> Saga? {
    let deadline = environment.clock.now.advanced(by: options.databaseTimeout)
    switch try await recorder.submit(record, deadline: deadline) {
    case .lost: return nil
    case .stored:
      guard
        let saga = try await database.saga(
          record.saga.orderId, lease: record.saga.lease, times: options.times, deadline: deadline)
      else { return nil }
      return told(saga, rests: saga.step == record.saga.step)
    case .advanced(let advance):
      log(advance, of: record.saga)
      return told(advance.saga, rests: advance.rests)
    }
  }

  private func told(_ saga: Saga, rests: Bool) -> Saga? {
    switch saga.state {
    case .done:
      didSettle(saga.orderId)
      return nil
    case .stuck: return nil
    case .forward, .compensating: return rests ? nil : saga
    }
  }

  private func log(_ advance: Saga.Advance, of saga: Saga) {
    guard let error = advance.error else { return }
    let level: Logger.Level =
      advance.saga.state == .stuck || advance.stepEnd == "failed" && saga.step == .reserve ? .error : .info
    environment.logger.log(
      level: level, "a saga's step brought nothing",
      metadata: [
        "order": .string(saga.orderId.canonicalText), "step": .string(saga.step.rawValue),
        "attempt": .stringConvertible(saga.attempts), "error": .string(error),
        "state": .string(advance.saga.state.rawValue),
      ])
  }
}

extension GroupCommitAnswer {
  var isPutBack: Bool {
    if case .putBack = self { true } else { false }
  }
}
