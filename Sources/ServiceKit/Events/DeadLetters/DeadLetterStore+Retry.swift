package import FoundationEssentials
internal import Logging
internal import NIOCore
package import Seams

/// Trying dead letters again, in an order that loses nothing wherever it is cut off:
///
/// 1. In one transaction the event begins anew in the inbox. The letter stays open.
/// 2. The message is published to its queue, with a confirm.
/// 3. The letter is resolved, unless the message has died again meanwhile.
///
/// After a crash between any two of them the letter is open: it is tried again, the message may lie in the queue twice, and
/// the inbox lets its event take effect once.
extension DeadLetterStore {
  /// What became of a request to try a letter again.
  package enum RetryOutcome: Sendable, Hashable {
    /// The message is in its queue.
    case retried
    /// Its event has taken effect already: there was nothing to try.
    case processed
    /// It was dealt with before, in this way.
    case resolved(String)
    /// There is none.
    case notFound
  }

  /// What became of a request to try all letters again.
  package struct RetryTotals: Sendable {
    /// Messages that are in their queues.
    package var retried = 0
    /// Letters whose events had taken effect already.
    package var processed = 0
    /// Letters that could not be published, and stay open.
    package var failed = 0
    /// Whether every letter was tried that was there at the beginning.
    package var isComplete = true
    /// Why the last one of those failed.
    package var failure: BrokerError?
  }

  /// Tries a letter again.
  ///
  /// - Parameter actor: who wants it.
  /// - Throws: `BrokerError` when the message may not be in its queue: the letter stays open; `SQLError`.
  package func retry(_ id: UUID, by actor: String, deadline: MonotonicInstant) async throws -> RetryOutcome {
    let publisher = try await reachedPublisher(deadline)
    let prepared: Revived
    switch try await revive(id, by: actor, deadline: deadline) {
    case .ended(let outcome): return outcome
    case .ready(let revived): prepared = revived
    }
    let outcome = try await publisher.publish([prepared.publication], deadline: deadline)[0]
    if let error = Self.failure(outcome, prepared) { throw error }
    try await resolve(prepared, by: actor, deadline: deadline)
    return .retried
  }

  /// Tries every letter again that is open when it is its turn, newest first. What dies again meanwhile is left.
  ///
  /// - Throws: `BrokerError` when the broker takes none of them; `SQLError`.
  package func retryAll(by actor: String, deadline: MonotonicInstant) async throws -> RetryTotals {
    var totals = RetryTotals()
    guard try await !letters(behind: nil, limit: 1, deadline: deadline).letters.isEmpty else { return totals }
    let publisher = try await reachedPublisher(deadline)
    var cursor: DeadLetterCursor?
    repeat {
      // The answer still has to be written: what is left is told and tried by the next call.
      guard environment.clock.now.duration(to: deadline) > .seconds(1) else {
        totals.isComplete = false
        break
      }
      let page = try await letters(behind: cursor, limit: options.pageSize, deadline: deadline)
      var ready: [Revived] = []
      for letter in page.letters {
        switch try await revive(letter.id, by: actor, deadline: deadline) {
        case .ready(let revived): ready.append(revived)
        case .ended(.processed): totals.processed += 1
        case .ended: break
        }
      }
      let outcomes = try await publisher.publish(ready.map(\.publication), deadline: deadline)
      for (revived, outcome) in zip(ready, outcomes) {
        if let error = Self.failure(outcome, revived) {
          totals.failed += 1
          totals.failure = error
        } else {
          try await resolve(revived, by: actor, deadline: deadline)
          totals.retried += 1
        }
      }
      cursor = page.next
      if let failure = totals.failure, failure.code != .refused {
        // The broker is gone: nothing more will get through.
        totals.isComplete = cursor == nil
        if totals.retried == 0 { throw failure }
        break
      }
    } while cursor != nil
    return totals
  }

  /// A message on its way back.
  private struct Revived: Sendable {
    var letter: StoredDeadLetter
    var publication: BrokerPublication
  }

  private enum Revival: Sendable {
    case ready(Revived)
    case ended(RetryOutcome)
  }

  /// The publisher, once there is a connection: while there is no broker no letter is touched.
  private func reachedPublisher(_ deadline: MonotonicInstant) async throws -> ConfirmingPublisher {
    guard let publisher else {
      throw BrokerError(.connectFailed, message: "this service was started without a broker")
    }
    let patience = environment.clock.now.advanced(by: options.brokerTimeout)
    try await publisher.open(deadline: min(deadline, patience))
    return publisher
  }

  private func revive(_ id: UUID, by actor: String, deadline: MonotonicInstant) async throws -> Revival {
    try await pool.repeating(deadline: deadline) { connection, _ in
      let known = try await connection.executeBatch(["BEGIN", DeadLetterSQL.event(of: id)], deadline: deadline)[1]
      guard let row = known.rows.first else { return .ended(.notFound) }
      let eventId: UUID? = try row.decodeIfPresent("event_id")
      var isProcessed = false
      if let eventId {
        let state = try await connection.execute(DeadLetterSQL.lockEvent(eventId), deadline: deadline).rows.first
        isProcessed = try state?.decode("is_processed") ?? false
      }
      guard let row = try await connection.execute(DeadLetterSQL.lock(id), deadline: deadline).rows.first else {
        return .ended(.notFound)
      }
      let letter = try StoredDeadLetter(row: row)
      if let resolution = letter.resolution { return .ended(.resolved(resolution)) }
      if isProcessed {
        _ = try await connection.executeBatch([DeadLetterSQL.resolve(id, "processed"), "COMMIT"], deadline: deadline)
        return .ended(.processed)
      }
      if let eventId {
        let note = "tried again by \(actor)\n"
        _ = try await connection.executeBatch(
          [DeadLetterSQL.revive(eventId, note: note), "COMMIT"], deadline: deadline)
      } else {
        _ = try await connection.execute("COMMIT", deadline: deadline)
      }
      let body = try row.bytesIfPresent("body") ?? []
      return .ready(Revived(letter: letter, publication: Self.publication(of: letter, body)))
    }
  }

  /// The message as it goes to its queue, with where it was first published.
  private static func publication(of letter: StoredDeadLetter, _ body: [UInt8]) -> BrokerPublication {
    var headers = BrokerTable()
    headers[EventHeader.exchange] = .string(letter.exchange)
    headers[EventHeader.routingKey] = .string(letter.routingKey)
    return BrokerPublication(
      exchange: "", routingKey: letter.queue,
      message: BrokerMessage(
        body: ByteBuffer(bytes: body), contentType: letter.contentType, messageID: letter.eventId?.canonicalText,
        correlationID: letter.correlationId?.canonicalText, headers: headers),
      isMandatory: true)
  }

  private static func failure(_ outcome: BrokerPublishOutcome, _ revived: Revived) -> BrokerError? {
    let queue = revived.letter.queue
    return switch outcome {
    case .confirmed: nil
    case .failed(let error): error
    case .nacked:
      BrokerError(.refused, replyCode: .resourceError, message: "\(queue) did not take the message (nack)")
    case .returned(let code, let text):
      BrokerError(.refused, replyCode: code, message: "\(queue) is not there: \(text)")
    }
  }

  private func resolve(_ revived: Revived, by actor: String, deadline: MonotonicInstant) async throws {
    let letter = revived.letter
    let statement = DeadLetterSQL.resolve(letter.id, diedAt: letter.diedAt, "retried by \(actor)")
    _ = try await pool.repeating(deadline: deadline) { connection, _ in
      try await connection.execute(statement, deadline: deadline)
    }
    environment.logger.notice(
      "a dead letter is tried again",
      metadata: [
        "id": .string(letter.id.canonicalText), "by": .string(actor), "queue": .string(letter.queue),
        "event": .string(letter.eventId?.canonicalText ?? "none"),
      ])
  }
}
