internal import Logging
internal import Seams

extension OutboxPublisher {
  /// What a round has left in the outbox. Of several, the greatest counts.
  enum Left: Int, Comparable {
    /// Nothing that was there when the round began.
    case nothing
    /// What is in shards that somebody else has: committed after they were read, it may be missed there.
    case others
    /// A full batch went out, so that there may be more.
    case more

    static func < (one: Left, other: Left) -> Bool { one.rawValue < other.rawValue }
  }

  /// Claims shards, publishes a batch of them and marks what was confirmed, in one transaction.
  ///
  /// - Throws: `SQLError`; `BrokerError` of what could not be published, once the rest is marked.
  func publish(_ shards: [Int], batchSize: Int, through lane: ConfirmingPublisher) async throws -> Left {
    let deadline = environment.clock.now.advanced(by: options.databaseTimeout)
    return try await pool.withConnection(deadline: deadline) { connection in
      let answers = try await connection.executeBatch(
        [IsolationLevel.readCommitted.begin, OutboxSQL.claim(shards)], deadline: deadline)
      let claimed: [Int] = try answers[1].rows.filter { try $0.decode("is_claimed") }.map { try $0.decode("shard") }
      guard !claimed.isEmpty else {
        _ = try await connection.execute("ROLLBACK", deadline: deadline)
        return .others
      }
      // Each shard by itself, in the order of its index: however much waits in them, only what goes out is read.
      let limit = max(1, batchSize / claimed.count)
      let pending = try await connection.executeBatch(
        claimed.sorted().map { OutboxSQL.pending(shard: $0, limit: limit, maximumSize: options.maximumDataSize) },
        deadline: deadline)
      let batch = try await deliver(pending.flatMap(\.rows).map { try OutboxRow(row: $0) }, through: lane)
      try await mark(batch, on: connection)
      if let failure = batch.failure { throw failure }
      if pending.contains(where: { $0.rows.count == limit }) { return .more }
      return claimed.count < shards.count ? .others : .nothing
    }
  }

  /// Publishes rows, wave by wave.
  private func deliver(_ rows: [OutboxRow], through lane: ConfirmingPublisher) async throws -> OutboxBatch {
    let deadline = environment.clock.now.advanced(by: options.publishTimeout)
    var batch = OutboxBatch(rows)
    while true {
      let wave = batch.nextWave()
      guard !wave.isEmpty else { return batch }
      var sent: [OutboxRow] = []
      var publications: [BrokerPublication] = []
      for row in wave {
        do {
          publications.append(try row.publication(routes, maximumSize: options.maximumDataSize))
          sent.append(row)
        } catch {
          batch.refuse(row, error.description)
        }
      }
      let outcomes = try await lane.publish(publications, deadline: deadline)
      for (row, outcome) in zip(sent, outcomes) { batch.settle(row, outcome) }
    }
  }

  private func mark(_ batch: OutboxBatch, on connection: any SQLConnection) async throws {
    var statements: [SQLStatement] = []
    if !batch.published.isEmpty { statements.append(OutboxSQL.markPublished(batch.published)) }
    if !batch.refused.isEmpty { statements.append(OutboxSQL.setAside(batch.refused)) }
    _ = try await connection.executeBatch(
      statements + ["COMMIT"], deadline: environment.clock.now.advanced(by: options.databaseTimeout))
    count(batch)
    for (row, reason) in batch.refused {
      environment.logger.error(
        "an event was set aside",
        metadata: [
          "id": .string(row.id.canonicalText), "type": .string(row.type), "subject": .string(row.subject),
          "reason": .string(reason),
        ])
    }
  }
}
