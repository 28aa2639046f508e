internal import Logging
package import Seams
internal import Synchronization

/// Publishes what waits in the outbox: every committed event at least once, each subject's events in their order.
///
/// Instances share the work by shards. A shard is claimed by an advisory lock of the transaction that reads its rows,
/// publishes them with confirms and marks them, so that a publisher that dies leaves nothing claimed. Rows are chosen by
/// `published_at IS NULL`, never by a position reached: a lower position may commit later. A crash between publishing
/// and marking publishes again, which the inbox of every consumer is there for.
///
/// An event that can never be published (too large, malformed, returned as unroutable where it is mandatory) is set
/// aside: `refused_at` and `refusal` say when and why, and an operator who sets them to NULL lets it try again. It
/// blocks nothing. Its subject's later events go on, and their `sequence` shows the gap.
package final class OutboxPublisher: Sendable {
  /// The limits of a publisher.
  package struct Options: Sendable, Hashable {
    /// The most events of one transaction.
    package var batchSize = 64
    /// How many transactions share the shards, each on a database connection and a channel of its own.
    package var lanes = 2
    /// How many shards one transaction claims: it leaves others to other instances.
    package var shardsPerTransaction = 4
    /// How often the outbox is looked at when no bell rings.
    package var pollInterval = Duration.milliseconds(500)
    /// How long it waits after a bell: what is committed meanwhile goes out in the same transaction. It waits longer, up
    /// to ten times, while another instance has what it looks for.
    package var gathering = Duration.milliseconds(10)
    /// The largest data of an event, bytes; larger ones are set aside unread. With ``batchSize`` and ``lanes`` it bounds
    /// the memory that events take.
    package var maximumDataSize = 262_144
    /// How long a round waits for the broker before it is given up.
    package var brokerTimeout = Duration.seconds(2)
    /// How long reading or marking a batch may take.
    package var databaseTimeout = Duration.seconds(5)
    /// How long publishing a batch may take: a database connection waits meanwhile.
    package var publishTimeout = Duration.seconds(10)
    /// The pause after a first failure; it doubles with each one after.
    package var baseBackOff = Duration.milliseconds(100)
    /// The longest pause.
    package var maximumBackOff = Duration.seconds(10)
    /// How far a pause may lie from its nominal length, as a fraction of it.
    package var jitter = 0.3

    /// The default options.
    package init() {}
  }

  /// What a publisher has done.
  package struct Figures: Sendable, Hashable {
    /// Events confirmed and marked.
    package var published = 0
    /// Events set aside.
    package var refused = 0
    /// Rounds that the database or the broker broke off.
    package var failures = 0

    /// Figures of a publisher that has done nothing.
    package init() {}
  }

  private struct State {
    var figures = Figures()
    var isRunning = false
    /// When to give up the last pass; set once the publisher is to finish.
    var finishBy: MonotonicInstant?
  }

  /// Ring it after a commit that wrote events: they go out once ``Options/gathering`` is over, or as soon as the instance
  /// that has their shard lets it go.
  package let doorbell: Doorbell
  let pool: SQLPool
  let routes: EventRoutes
  let environment: ServiceEnvironment
  let options: Options
  private let session: BrokerSession
  private let lanes: [ConfirmingPublisher]
  private let stop = Doorbell()
  private let ended = Doorbell()
  private let state = Mutex(State())

  /// A publisher of the outbox behind `pool`.
  ///
  /// - Parameters:
  ///   - topology: what is declared before anything is published.
  ///   - doorbell: what the code rings that commits events.
  package init(
    pool: SQLPool, connector: any BrokerConnector, topology: BrokerTopology, routes: EventRoutes, doorbell: Doorbell,
    environment: ServiceEnvironment, options: Options = Options()
  ) {
    precondition(
      options.batchSize > 0 && options.lanes > 0 && options.shardsPerTransaction > 0,
      "a publisher that publishes nothing")
    // The pauses between rounds are ours: those of the session must end before a round does.
    var limits = BrokerSession.Options()
    limits.maximumBackOff = options.brokerTimeout / 2
    let session = BrokerSession(connector: connector, topology: topology, environment: environment, options: limits)
    self.pool = pool
    self.routes = routes
    self.environment = environment
    self.options = options
    self.doorbell = doorbell
    self.session = session
    lanes = (0..<options.lanes).map { _ in ConfirmingPublisher(session: session, chunk: options.batchSize) }
  }

  /// What it has done so far.
  package var figures: Figures { state.withLock { $0.figures } }

  /// Publishes until ``finish(by:)`` or cancellation. The database or the broker may fail as they like meanwhile.
  ///
  /// - Throws: `CancellationError`; what is neither the database's nor the broker's failure.
  package func run() async throws {
    state.withLock { $0.isRunning = true }
    defer {
      for lane in lanes { lane.close() }
      session.shutdown()
      state.withLock { $0.isRunning = false }
      ended.ring()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.ringRegularly() }
      group.addTask { try await self.publishUntilFinished() }
      // Only the second one ends without an error.
      try await group.next()
      group.cancelAll()
    }
  }

  /// Publishes what is there once more, if the broker is, and lets ``run()`` return. What is left waits in the outbox.
  ///
  /// - Parameter deadline: when to give up; a batch that is under way may take a little longer.
  package func finish(by deadline: MonotonicInstant) async {
    let isRunning = state.withLock { state in
      state.finishBy = deadline
      return state.isRunning
    }
    guard isRunning else { return }
    stop.ring()
    doorbell.ring()
    do {
      try await withDeadline(deadline, clock: environment.clock) { try await self.ended.wait() }
    } catch {
      environment.logger.warning("the outbox was left before it was empty", metadata: ["error": .string("\(error)")])
    }
  }

  private func ringRegularly() async throws {
    while true {
      let pause = environment.entropy.jittered(options.pollInterval, spread: 0.1)
      try await environment.clock.sleep(until: environment.clock.now.advanced(by: pause), tolerance: nil)
      doorbell.ring()
    }
  }

  private func publishUntilFinished() async throws {
    var failures = 0
    var evasions = 0
    while true {
      let finishBy = state.withLock { $0.finishBy }
      do {
        var left = Left.more
        let published = figures.published
        while left == .more {
          left = try await publishRound(batchSize: max(1, options.batchSize >> min(2 * failures, 6)))
          failures = 0
          let now = environment.clock.now
          // Asked to finish meanwhile: one more pass, which has a limit.
          if state.withLock({ $0.finishBy }) != finishBy || finishBy.map({ now >= $0 }) == true { break }
        }
        evasions = left != .others ? 0 : figures.published == published ? evasions + 1 : 1
      } catch  where error is SQLError || error is BrokerError {
        failures += 1
        state.withLock { $0.figures.failures += 1 }
        if finishBy != nil { return }
        try await recover(from: error, failures)
        continue
      }
      if finishBy != nil { return }
      if evasions == 0, state.withLock({ $0.finishBy }) == nil { try await doorbell.wait() }
      if state.withLock({ $0.finishBy }) == nil {
        let pause = options.gathering * min(evasions + 1, 10)
        try await environment.clock.sleep(until: environment.clock.now.advanced(by: pause), tolerance: nil)
      }
    }
  }

  /// Says what happened, waits longer each time, and declares again what is missing.
  private func recover(from error: any Error, _ failures: Int) async throws {
    let nominal = min(options.maximumBackOff, options.baseBackOff * (1 << min(failures - 1, 20)))
    let pause = environment.entropy.jittered(nominal, spread: options.jitter)
    environment.logger.warning(
      "publishing events was interrupted", metadata: ["error": .string("\(error)"), "pause": .string("\(pause)")])
    let wake = environment.clock.now.advanced(by: pause)
    do {
      try await withDeadline(wake, clock: environment.clock) { try await self.stop.wait() }
    } catch is DeadlineExceeded {
      // Nobody stopped it.
    }
    guard (error as? BrokerError)?.replyCode == .notFound else { return }
    do {
      try await session.restoreTopology(deadline: environment.clock.now.advanced(by: options.publishTimeout))
    } catch let error as BrokerError {
      environment.logger.warning("declaring the topology failed", metadata: ["error": .string("\(error)")])
    }
  }

  /// Publishes a batch of the shards in which something waits and that nobody else has.
  ///
  /// - Parameter batchSize: the most events of one transaction. After a failure it is small: of what breaks off in the
  ///   middle, all that was not confirmed goes out again.
  private func publishRound(batchSize: Int) async throws -> Left {
    let shards = try await pendingShards()
    guard !shards.isEmpty else { return .nothing }
    let lanes = lanes.prefix(shards.count)
    // Before any transaction: none is held open for a broker that is not there.
    for lane in lanes { try await lane.open(deadline: environment.clock.now.advanced(by: options.brokerTimeout)) }
    return try await withThrowingTaskGroup(of: LaneResult.self) { group in
      for (index, lane) in lanes.enumerated() {
        let share = stride(from: index, to: shards.count, by: lanes.count).map { shards[$0] }
        group.addTask { try await self.publish(share: share, batchSize: batchSize, through: lane) }
      }
      var all = LaneResult()
      for try await result in group {
        all.left = max(all.left, result.left)
        all.failure = all.failure ?? result.failure
      }
      if let failure = all.failure { throw failure }
      return all.left
    }
  }

  private struct LaneResult: Sendable {
    var left = Left.nothing
    var failure: (any Error)?
  }

  /// Publishes a batch of `shards`. A failure is a result: it must not cancel the other lanes, whose messages are under
  /// way.
  private func publish(
    share shards: [Int], batchSize: Int, through lane: ConfirmingPublisher
  ) async throws -> LaneResult {
    var result = LaneResult()
    for start in stride(from: 0, to: shards.count, by: options.shardsPerTransaction) {
      let few = Array(shards[start..<min(start + options.shardsPerTransaction, shards.count)])
      do {
        result.left = max(result.left, try await publish(few, batchSize: batchSize, through: lane))
      } catch  where error is SQLError || error is BrokerError {
        result.failure = error
        break
      }
    }
    return result
  }

  /// The shards in which something waits, from a random one on: instances begin apart.
  private func pendingShards() async throws -> [Int] {
    let deadline = environment.clock.now.advanced(by: options.databaseTimeout)
    let rows = try await pool.withConnection(deadline: deadline) { connection in
      try await connection.execute(OutboxSQL.pendingShards, deadline: deadline).rows
    }
    let shards: [Int] = try rows.map { try $0.decode("shard") }.sorted()
    guard shards.count > 1 else { return shards }
    let first = environment.entropy.integer(in: 0...shards.count - 1)
    return Array(shards[first...] + shards[..<first])
  }

  func count(_ batch: OutboxBatch) {
    state.withLock { state in
      state.figures.published += batch.published.count
      state.figures.refused += batch.refused.count
    }
  }
}
