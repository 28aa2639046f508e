internal import FoundationEssentials
internal import Logging
package import Seams
internal import Synchronization

/// An event that its handler will never accept: it goes to the dead letters without another attempt.
package struct UnacceptableEvent: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with it.
  package let description: String

  /// An event with which `description` is wrong.
  package init(_ description: String) { self.description = description }
}

/// Consumes a queue of events: each takes effect once, however often it is delivered.
///
/// The row of an event in the table `inbox` is locked while its handler runs and marked in the handler's transaction, so
/// that effect and mark commit together. Before the handler runs its attempt is counted, in a transaction of its own: an
/// event that takes its consumer down with it is counted too. A failed event waits in a retry queue, which hands it back
/// after a while; after the last attempt it goes to the dead letters: into the table `dead_letters`, then, through the
/// dead-letter exchange, into the queue `….dlq`, where a copy of it may lie twice. What is no event, or one that nobody
/// handles, goes there at once.
///
/// A delivery is acknowledged only when what follows from it is committed, or confirmed by the broker. While the database
/// is down nothing is counted and nothing is lost: deliveries wait.
package final class InboxConsumer: Sendable {
  /// Does what an event asks for, in the transaction that it is given, and nowhere else: it may run again.
  ///
  /// It must not end the transaction. The last parameter says when to give up.
  package typealias Handler =
    @Sendable (_ event: CloudEvent, _ transaction: any SQLConnection, _ deadline: MonotonicInstant) async throws -> Void

  /// What happens to an event of a type that has no handler.
  package enum UnknownTypes: Sendable, Hashable {
    /// It goes to the dead letters: the queue is bound to what is wanted, so somebody forgot something.
    case bury
    /// It is acknowledged: its publisher is ahead of this consumer, which does not care.
    case ignore
  }

  /// The limits of a consumer.
  package struct Options: Sendable, Hashable {
    /// How many deliveries may be under way.
    package var prefetch = 32
    /// How many events are handled at the same time, which share the prefetch. With one, an event that takes the process
    /// down is the only one whose attempt counts; of several, those that were under way count too.
    package var lanes = 1
    /// How long a handler's transaction may take.
    package var handlerTimeout = Duration.seconds(30)
    /// How long counting or burying may take.
    package var databaseTimeout = Duration.seconds(10)
    /// How long handing a message to a retry queue or to the dead letters may take.
    package var publishTimeout = Duration.seconds(10)
    /// The pause after a first failure of the database; it doubles with each one after.
    package var baseBackOff = Duration.milliseconds(100)
    /// The longest pause.
    package var maximumBackOff = Duration.seconds(5)
    /// What happens to an event of a type that has no handler.
    package var unknownTypes = UnknownTypes.bury

    /// The default options.
    package init() {}
  }

  /// What a consumer has done.
  package struct Figures: Sendable, Hashable {
    /// Events that took effect.
    package var processed = 0
    /// Deliveries of events that had taken effect already.
    package var duplicates = 0
    /// Attempts that failed.
    package var failures = 0
    /// Messages that went to the dead letters.
    package var buried = 0

    /// Figures of a consumer that has done nothing.
    package init() {}
  }

  private struct State {
    var figures = Figures()
    var isStopping = false
  }

  let queue: EventQueue
  let pool: SQLPool
  let environment: ServiceEnvironment
  let options: Options
  let publisher: ConfirmingPublisher
  private let handlers: [String: Handler]
  private let isNews: @Sendable (CloudEvent) -> Bool
  private let didCommit: @Sendable () -> Void
  private let session: BrokerSession
  private let state = Mutex(State())

  /// A consumer of `queue`, which it declares.
  ///
  /// - Parameters:
  ///   - handlers: what to do, by the event's type.
  ///   - isNews: whether anything follows from an event that has a handler. One that is no news is noted as received
  ///     and takes one statement in place of three round trips.
  ///   - didCommit: called after an event took effect: the place for an outbox's bell.
  package init(
    queue: EventQueue, handlers: [String: Handler], isNews: @escaping @Sendable (CloudEvent) -> Bool = { _ in true },
    pool: SQLPool, connector: any BrokerConnector, environment: ServiceEnvironment, options: Options = Options(),
    didCommit: @escaping @Sendable () -> Void = {}
  ) {
    precondition(options.lanes > 0 && options.prefetch >= options.lanes, "a lane without a delivery")
    self.queue = queue
    self.handlers = handlers
    self.isNews = isNews
    self.pool = pool
    self.environment = environment
    self.options = options
    self.didCommit = didCommit
    session = BrokerSession(connector: connector, topology: queue.topology, environment: environment)
    publisher = ConfirmingPublisher(session: session)
  }

  /// What it has done so far.
  package var figures: Figures { state.withLock { $0.figures } }

  /// Consumes until ``finish()`` or cancellation.
  ///
  /// - Throws: `CancellationError`; what is not the database's, the broker's or a handler's failure.
  package func run() async throws {
    defer {
      publisher.close()
      session.shutdown()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<options.lanes {
        group.addTask {
          try await self.session.consume(self.queue.name, prefetch: self.options.prefetch / self.options.lanes) {
            try await self.take($0, $1)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Takes nothing more and lets ``run()`` return once what is under way is done. Its acknowledgement may not get through
  /// any more: the next delivery of it finds the inbox's row.
  package func finish() {
    state.withLock { $0.isStopping = true }
    session.shutdown()
  }

  var isStopping: Bool { state.withLock { $0.isStopping } }

  func count(_ figure: any WritableKeyPath<Figures, Int> & Sendable) {
    state.withLock { $0.figures[keyPath: figure] += 1 }
  }

  // MARK: - One delivery

  private func take(_ delivery: BrokerDelivery, _ channel: any BrokerChannel) async throws {
    let event: CloudEvent
    do {
      event = try CloudEvent(parsing: delivery.message.body)
    } catch {
      return try await bury(delivery, nil, attempts: 1, reason: "it is no event: \(error)", channel)
    }
    guard let handler = handlers[event.type] else {
      if options.unknownTypes == .ignore { return try channel.acknowledge(delivery.tag) }
      return try await bury(
        delivery, event, attempts: 1, reason: "nothing handles the type \"\(excerpt(event.type))\"", channel)
    }
    guard isNews(event) else {
      try await noteReceived(event)
      return try channel.acknowledge(delivery.tag)
    }
    let attempt: Int
    switch try await begin(event) {
    case .processed:
      count(\.duplicates)
      return try channel.acknowledge(delivery.tag)
    case .dead(let attempts):
      return try await bury(delivery, event, attempts: attempts, reason: "it was a dead letter already", channel)
    case .number(let number): attempt = number
    }
    guard attempt <= queue.maximumAttempts else {
      let reason = "attempt \(attempt - 1) took its consumer down, or never ended"
      return try await bury(delivery, event, attempts: attempt - 1, reason: reason, channel)
    }
    do {
      try await handle(event, handler)
    } catch let error where !Task.isCancelled {
      count(\.failures)
      return try await failed(delivery, event, attempt, error, channel)
    }
    try channel.acknowledge(delivery.tag)
  }

  /// Runs the handler in the transaction that marks the event.
  private func handle(_ event: CloudEvent, _ handler: Handler) async throws {
    let deadline = environment.clock.now.advanced(by: options.handlerTimeout)
    let hasEffect = try await pool.retrying(deadline: deadline) { connection in
      let answers = try await connection.executeBatch(
        [IsolationLevel.readCommitted.begin, InboxSQL.lock(event.id)], deadline: deadline)
      // A copy of the event may have been handled since the attempt was counted.
      guard answers[1].rows.count == 1 else {
        _ = try await connection.execute("ROLLBACK", deadline: deadline)
        return false
      }
      try await handler(event, connection, deadline)
      guard connection.status == .inTransaction else {
        throw UnacceptableEvent("the handler of \(event.type) left no open transaction to mark the event in")
      }
      _ = try await connection.executeBatch([InboxSQL.processed(event.id), "COMMIT"], deadline: deadline)
      return true
    }
    count(hasEffect ? \.processed : \.duplicates)
    if hasEffect { didCommit() }
  }

  /// Lets a failed event wait for its next attempt, or buries it.
  private func failed(
    _ delivery: BrokerDelivery, _ event: CloudEvent, _ attempt: Int, _ error: any Error, _ channel: any BrokerChannel
  ) async throws {
    let reason = String("\(error)".prefix(500))
    environment.logger.warning(
      "an event's attempt failed",
      metadata: [
        "id": .string(event.id.canonicalText), "type": .string(event.type), "attempt": .stringConvertible(attempt),
        "error": .string(reason),
      ])
    let isPending = try await whileTheDatabaseFails { deadline in
      let note = InboxSQL.note("attempt \(attempt): \(reason)\n", of: event.id)
      return try await self.pool.withConnection(deadline: deadline) { connection in
        try await connection.execute(note, deadline: deadline).rowCount == 1
      }
    }
    // The answer to its COMMIT was lost: it has taken effect.
    guard isPending else { return try channel.acknowledge(delivery.tag) }
    if attempt >= queue.maximumAttempts || error is UnacceptableEvent {
      return try await bury(delivery, event, attempts: attempt, reason: reason, channel)
    }
    let message = EventHeader.stamp(delivery, attempts: attempt, error: reason)
    try await hand(message, to: "", queue.retryQueue(after: attempt))
    try channel.acknowledge(delivery.tag)
  }
}
