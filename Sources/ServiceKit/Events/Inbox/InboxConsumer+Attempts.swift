internal import FoundationEssentials
internal import Logging
internal import Seams

extension InboxConsumer {
  /// How an event stands when it is delivered.
  enum Attempt: Sendable, Hashable {
    /// Its attempt of this number was counted.
    case number(Int)
    /// It has taken effect.
    case processed
    /// It was given up after so many attempts.
    case dead(attempts: Int)
  }

  /// Counts an attempt, for good, before anything is done.
  func begin(_ event: CloudEvent) async throws -> Attempt {
    // Counting again after an answer was lost must not count twice.
    let delivery = environment.entropy.uuid()
    return try await whileTheDatabaseFails { deadline in
      try await self.pool.withConnection(deadline: deadline) { connection in
        let answers = try await connection.executeBatch(
          [InboxSQL.count(event, delivery: delivery), InboxSQL.state(of: event.id)], deadline: deadline)
        guard let row = answers[1].rows.first else {
          throw SQLError(.server, message: "the inbox's row of \(event.id.canonicalText) was deleted")
        }
        let attempts: Int = try row.decode("attempts")
        if try row.decode("is_processed") { return .processed }
        return try row.decode("is_dead") ? .dead(attempts: attempts) : .number(attempts)
      }
    }
  }

  /// Notes an event from which nothing follows: it has taken effect with that.
  func noteReceived(_ event: CloudEvent) async throws {
    let delivery = environment.entropy.uuid()
    let isFirst = try await whileTheDatabaseFails { deadline in
      try await self.pool.withConnection(deadline: deadline) { connection in
        try await connection.execute(InboxSQL.received(event, delivery: delivery), deadline: deadline).rowCount == 1
      }
    }
    count(isFirst ? \.processed : \.duplicates)
  }

  /// Stores a message as a dead letter, hands it to the dead letters' queue, and acknowledges it.
  ///
  /// The row comes first: an operator sees what the queue holds, even if the queue's copy comes late.
  func bury(
    _ delivery: BrokerDelivery, _ event: CloudEvent?, attempts: Int, reason: String, _ channel: any BrokerChannel
  ) async throws {
    let origin = EventHeader.origin(of: delivery)
    let letter = DeadLetter(
      queue: queue.name, event: event, exchange: origin.exchange, routingKey: origin.routingKey,
      message: delivery.message, attempts: attempts, reason: reason)
    guard try await store(letter) else { return try channel.acknowledge(delivery.tag) }
    let message = EventHeader.stamp(delivery, attempts: attempts, error: String(reason.prefix(500)))
    try await hand(message, to: queue.deadLetterExchange.name, queue.name)
    try channel.acknowledge(delivery.tag)
    count(\.buried)
    environment.logger.error(
      "a message went to the dead letters",
      metadata: [
        "id": .string(letter.id.canonicalText), "event": .string(event?.id.canonicalText ?? "none"),
        "queue": .string(queue.name), "reason": .string(reason),
      ])
  }

  /// Commits the letter and the end of its event.
  ///
  /// - Returns: `false` when the event has taken effect after all: an attempt's answer was lost.
  private func store(_ letter: DeadLetter) async throws -> Bool {
    try await whileTheDatabaseFails { deadline in
      try await self.pool.transaction(deadline: deadline) { connection in
        var history = ""
        if let event = letter.event {
          let known = try await connection.execute(InboxSQL.state(of: event.id), deadline: deadline).rows.first
          if try known?.decode("is_dead") == true { return true }
          if known != nil {
            guard let row = try await connection.execute(InboxSQL.kill(event.id), deadline: deadline).rows.first else {
              return false
            }
            history = try row.decode("history")
          }
        }
        _ = try await connection.execute(InboxSQL.bury(letter, history: history), deadline: deadline)
        return true
      }
    }
  }

  /// Publishes a message that must arrive in a queue of this consumer's.
  ///
  /// - Throws: `BrokerError` when it did not: the delivery is then not acknowledged, and comes again.
  func hand(_ message: BrokerMessage, to exchange: String, _ routingKey: String) async throws {
    let publication = BrokerPublication(
      exchange: exchange, routingKey: routingKey, message: message, isMandatory: true)
    let deadline = environment.clock.now.advanced(by: options.publishTimeout)
    switch try await publisher.publish([publication], deadline: deadline)[0] {
    case .confirmed: return
    case .failed(let error): throw error
    case .nacked:
      throw BrokerError(.refused, replyCode: .resourceError, message: "\(routingKey) did not take a message (nack)")
    case .returned(let code, let text):
      // The queue was deleted: starting the consumer anew declares it again.
      throw BrokerError(.refused, replyCode: code, message: "\(routingKey) is not there: \(text)")
    }
  }

  /// Runs `body` until it succeeds. The database's failures are no fault of the event that waits meanwhile.
  ///
  /// - Throws: `BrokerError` once the consumer is to stop, which leaves the delivery to somebody else.
  func whileTheDatabaseFails<R: Sendable>(
    _ body: @Sendable (_ deadline: MonotonicInstant) async throws -> R
  ) async throws -> R {
    var failures = 0
    while true {
      do {
        return try await body(environment.clock.now.advanced(by: options.databaseTimeout))
      } catch let error as SQLError {
        guard !isStopping else { throw BrokerError(.closed, message: "the consumer stops", cause: error) }
        failures += 1
        let nominal = min(options.maximumBackOff, options.baseBackOff * (1 << min(failures - 1, 20)))
        let pause = environment.entropy.jittered(nominal, spread: 0.3)
        environment.logger.warning(
          "the inbox waits for its database", metadata: ["error": .string("\(error)"), "pause": .string("\(pause)")])
        try await environment.clock.sleep(until: environment.clock.now.advanced(by: pause), tolerance: nil)
      }
    }
  }
}
