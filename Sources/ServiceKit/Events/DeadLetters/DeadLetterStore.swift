package import FoundationEssentials
internal import Logging
package import Seams

/// The dead letters of a database: what an operator reads, lets be tried again or discards.
///
/// It works on the table, which has each letter once. The copies in the broker's queues `….dlq` are for whoever watches
/// the broker: nothing reads them here, and nothing takes them away.
package final class DeadLetterStore: Sendable {
  /// The limits of a store.
  package struct Options: Sendable, Hashable {
    /// How many letters are read and published at a time when all are tried again.
    package var pageSize = 32
    /// How long reaching the broker may take.
    package var brokerTimeout = Duration.seconds(5)

    /// The default options.
    package init() {}
  }

  /// The most bytes of a body that ``letter(_:deadline:)`` shows.
  package static let shownBody = 64 * 1024
  /// Characters of a reason to discard a letter.
  package static let reasonLength = 1...500

  let pool: SQLPool
  let environment: ServiceEnvironment
  let options: Options
  /// `nil` without a broker: letters can be read and discarded.
  let publisher: ConfirmingPublisher?
  private let session: BrokerSession?

  /// The letters behind `pool`.
  ///
  /// - Parameters:
  ///   - connector: how letters get back to their queues.
  ///   - topology: what is declared before, so that the queues are there.
  package init(
    pool: SQLPool, connector: (any BrokerConnector)?, topology: BrokerTopology, environment: ServiceEnvironment,
    options: Options = Options()
  ) {
    self.pool = pool
    self.environment = environment
    self.options = options
    session = connector.map { BrokerSession(connector: $0, topology: topology, environment: environment) }
    publisher = session.map { ConfirmingPublisher(session: $0) }
  }

  /// Closes the connection to the broker; later retries are refused.
  package func shutdown() {
    publisher?.close()
    session?.shutdown()
  }

  // MARK: - Reading

  /// How many letters there are.
  ///
  /// - Throws: `SQLError`.
  package func counts(deadline: MonotonicInstant) async throws -> DeadLetterCounts {
    try await pool.retrying(deadline: deadline) { connection in
      let answers = try await connection.executeBatch(
        [DeadLetterSQL.settle, DeadLetterSQL.open, DeadLetterSQL.resolved], deadline: deadline)
      return try DeadLetterCounts(open: answers[1].rows, resolved: answers[2].rows.first)
    }
  }

  /// A page of letters, newest first. Letters whose events have taken effect since are resolved before.
  ///
  /// - Parameters:
  ///   - isOpen: whether the open ones are meant, or those that were dealt with.
  ///   - cursor: where the page begins; `nil`: with the newest.
  /// - Throws: `SQLError`.
  package func letters(
    isOpen: Bool = true, behind cursor: DeadLetterCursor? = nil, limit: Int, deadline: MonotonicInstant
  ) async throws -> DeadLetterPage {
    // One more than is shown tells whether there is a next page.
    let newest = DeadLetterSQL.newest(isOpen: isOpen, behind: cursor, limit: limit + 1)
    return try await pool.retrying(deadline: deadline) { connection in
      let answers = try await connection.executeBatch([DeadLetterSQL.settle, newest], deadline: deadline)
      let letters = try answers[1].rows.map { try StoredDeadLetter(row: $0) }
      let shown = Array(letters.prefix(limit))
      let last = letters.count > limit ? shown.last : nil
      return DeadLetterPage(letters: shown, next: last.map { DeadLetterCursor(behind: $0) })
    }
  }

  /// A letter and its body; `nil` when there is none.
  ///
  /// - Throws: `SQLError`.
  package func letter(
    _ id: UUID, deadline: MonotonicInstant
  ) async throws -> (letter: StoredDeadLetter, body: DeadLetterBody)? {
    try await pool.retrying(deadline: deadline) { connection in
      let answers = try await connection.executeBatch(
        [DeadLetterSQL.settle, DeadLetterSQL.letter(id, maximumSize: Self.shownBody)], deadline: deadline)
      guard let row = answers[1].rows.first else { return nil }
      return (try StoredDeadLetter(row: row), try row.bytesIfPresent("body").map { DeadLetterBody($0) } ?? .tooLarge)
    }
  }

  // MARK: - Discarding

  /// What became of a request to discard a letter.
  package enum DiscardOutcome: Sendable, Hashable {
    /// It is discarded.
    case discarded
    /// It was dealt with before, in this way.
    case resolved(String)
    /// There is none.
    case notFound
  }

  /// Ends a letter without another attempt. Its event stays dead.
  ///
  /// - Parameters:
  ///   - actor: who wants it.
  ///   - reason: why, for those who read it later.
  /// - Throws: `SQLError`.
  package func discard(
    _ id: UUID, by actor: String, reason: String, deadline: MonotonicInstant
  ) async throws -> DiscardOutcome {
    let resolution = "discarded by \(actor): \(reason)"
    let outcome = try await pool.repeating(deadline: deadline) { connection, run -> DiscardOutcome in
      let found = try await connection.executeBatch(["BEGIN", DeadLetterSQL.event(of: id)], deadline: deadline)
      guard let letter = found[1].rows.first else { return .notFound }
      let event: UUID? = try letter.decodeIfPresent("event_id")
      // The inbox's row before the letter's, as everywhere.
      var isProcessed = false
      if let event {
        let row = try await connection.execute(DeadLetterSQL.lockEvent(event), deadline: deadline).rows.first
        isProcessed = try row?.decode("is_processed") ?? false
      }
      let answers = try await connection.executeBatch([DeadLetterSQL.lock(id)], deadline: deadline)
      guard let row = answers[0].rows.first else { return .notFound }
      if let known = try StoredDeadLetter(row: row).resolution {
        // An earlier run has done it, and its answer was lost.
        return run > 1 && known == resolution ? .discarded : .resolved(known)
      }
      if isProcessed {
        _ = try await connection.executeBatch(
          [DeadLetterSQL.resolve(id, "processed"), "COMMIT"], deadline: deadline)
        return .resolved("processed")
      }
      // A retry whose word got lost may have revived the event, and its message may be on its way.
      let end = event.map { [InboxSQL.kill($0)] } ?? []
      _ = try await connection.executeBatch(
        end + [DeadLetterSQL.resolve(id, resolution), "COMMIT"], deadline: deadline)
      return .discarded
    }
    if outcome == .discarded {
      environment.logger.notice(
        "a dead letter was discarded",
        metadata: ["id": .string(id.canonicalText), "by": .string(actor), "reason": .string(reason)])
    }
    return outcome
  }
}

extension SQLRow {
  /// The bytes of a column; `nil` when it is NULL.
  func bytesIfPresent(_ column: String) throws -> [UInt8]? {
    guard let value: SQLValue = columns.index(of: column).map({ values[$0] }), value != .null else { return nil }
    guard case .bytes(let bytes) = value else { throw InvalidRow(column: column, value: "no bytes") }
    return bytes
  }
}
