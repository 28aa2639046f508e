import FoundationEssentials
import Logging
import Seams
import ServiceKit
import Synchronization

/// Tells customers of their orders' ends: posts what waits in `notifications` to a webhook, each at least once, or writes
/// it into the log where there is none.
///
/// Instances share the work by leases. Rows are claimed in a short transaction that moves `due_at` behind the lease, so that
/// none is open during a request, and an instance that dies leaves what it had claimed to the others. A request that
/// arrived while its answer was lost, or its record, is sent again: the receiver tells it by its id. Rows are posted at the
/// same time and again after pauses, so that their order is not kept, for one customer neither.
final class NotificationDelivery: Sendable {
  private struct State {
    var running = 0
    /// Whether the last look found as much as there was room for.
    var mayBeMore = false
    var isRunning = false
    var isStopping = false
  }

  private let database: OrdersDatabase
  private let webhook: NotificationWebhook?
  private let options: NotificationOptions
  private let environment: ServiceEnvironment
  private let recorder: GroupCommitter<NotificationRecord, Void, UUID>
  private let look = Doorbell()
  private let ended = Doorbell()
  private let state = Mutex(State())

  /// - Parameter webhook: where they are posted; `nil`: into the log.
  init(
    database: OrdersDatabase, webhook: NotificationWebhook?, options: NotificationOptions,
    groupCommit: GroupCommitOptions
  ) {
    precondition(
      options.concurrency >= 1 && options.lease > options.timeout + options.databaseTimeout,
      "a lease must outlast a request and its record")
    self.database = database
    self.webhook = webhook
    self.options = options
    environment = database.environment
    recorder = GroupCommitter(
      clock: environment.clock, entropy: environment.entropy, options: groupCommit, conflictKeys: { [$0.id] },
      recovery: GroupCommitRecovery.forTransaction,
      commit: { batch in
        try await database.record(batch)
        return batch.items.map { _ in .outcome(()) }
      })
  }

  /// Looks at once for what is due: an order has ended.
  func wake() { look.ring() }

  /// Delivers until ``finish(by:)``, and what is under way then to its record; or until cancellation. The database and the
  /// receiver may fail as they like meanwhile.
  func run() async throws {
    state.withLock { $0.isRunning = true }
    defer { ended.ring() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.recorder.run() }
      group.addTask { try await self.ringRegularly() }
      try await deliverUntilFinished()
      recorder.finish()
      group.cancelAll()
    }
  }

  /// Claims nothing any more, and waits until what is under way is recorded, or until `deadline`. What is left waits in
  /// the table.
  func finish(by deadline: MonotonicInstant) async {
    let isRunning = state.withLock { state in
      state.isStopping = true
      return state.isRunning
    }
    guard isRunning else { return }
    look.ring()
    do {
      try await withDeadline(deadline, clock: environment.clock) { try await self.ended.wait() }
    } catch {
      environment.logger.warning(
        "notifications were left to the end of their leases", metadata: ["error": .string("\(error)")])
    }
  }

  private func ringRegularly() async throws {
    let clock = environment.clock
    while true {
      let pause = environment.entropy.jittered(options.pollInterval, spread: 0.1)
      try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
      look.ring()
    }
  }

  private func deliverUntilFinished() async throws {
    let clock = environment.clock
    try await withThrowingDiscardingTaskGroup { group in
      while true {
        for notification in try await claim() {
          group.addTask {
            try await self.deliver(notification)
            self.settled()
          }
        }
        if state.withLock({ $0.isStopping && $0.running == 0 }) { return }
        try await look.wait()
        if state.withLock({ !$0.mayBeMore }) {
          try await clock.sleep(until: clock.now.advanced(by: options.gathering), tolerance: nil)
        }
      }
    }
  }

  /// Claims as much as there is room for.
  private func claim() async throws -> [Notification] {
    let room = state.withLock { $0.isStopping ? 0 : options.concurrency - $0.running }
    guard room > 0 else { return [] }
    var claimed: [Notification] = []
    do {
      claimed = try await database.claimNotifications(
        limit: room, lease: options.lease, deadline: environment.clock.now.advanced(by: options.databaseTimeout))
    } catch let error as SQLError {
      environment.logger.warning("looking for notifications failed", metadata: ["error": .string("\(error)")])
    }
    state.withLock { state in
      state.running += claimed.count
      state.mayBeMore = claimed.count == room
    }
    return claimed
  }

  private func settled() {
    let isWaitedFor = state.withLock { state in
      state.running -= 1
      return state.mayBeMore || state.isStopping
    }
    if isWaitedFor { look.ring() }
  }

  // MARK: - One notification

  private func deliver(_ notification: Notification) async throws {
    let outcome: NotificationBackOff.Outcome
    if let webhook {
      outcome = try await webhook.post(
        notification, now: environment.wallClock.now, deadline: environment.clock.now.advanced(by: options.timeout))
    } else {
      outcome = .delivered
    }
    let verdict = options.backOff.verdict(on: outcome, attempts: notification.attempts) { pause in
      environment.entropy.jittered(pause, spread: options.backOff.jitter)
    }
    log(verdict, on: notification)
    var record = NotificationRecord(id: notification.id, attempts: notification.attempts)
    if case .again(let pause, let reason, _) = verdict { (record.pause, record.error) = (pause, reason) }
    do {
      let deadline = environment.clock.now.advanced(by: options.databaseTimeout)
      try await recorder.submit(record, deadline: deadline)
    } catch let error where error is SQLError || error is GroupCommitError {
      // The lease ends, and it is sent once more.
      environment.logger.warning(
        "what came of a notification could not be recorded",
        metadata: ["notification": .string(notification.id.canonicalText), "error": .string("\(error)")])
    }
  }

  private func log(_ verdict: NotificationBackOff.Verdict, on notification: Notification) {
    var metadata: Logger.Metadata = [
      "notification": .string(notification.id.canonicalText), "type": .string(notification.type.rawValue),
      "order": .string(notification.orderId.canonicalText), "attempt": .stringConvertible(notification.attempts),
      "correlationId": .string(notification.correlationId.canonicalText),
    ]
    switch verdict {
    case .done where webhook == nil:
      metadata["user"] = .string(notification.userId)
      metadata["data"] = .string(notification.data)
      environment.logger.info("notification", metadata: metadata)
    case .done: environment.logger.info("notification delivered", metadata: metadata)
    case .again(let pause, let reason, let isAlarming):
      metadata["error"] = .string(reason)
      metadata["pause"] = .string("\(pause)")
      environment.logger.log(
        level: isAlarming ? .error : .warning, "notification not delivered", metadata: metadata)
    }
  }
}
