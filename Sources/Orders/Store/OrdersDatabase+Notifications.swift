import Seams
import ServiceKit

extension OrdersDatabase {
  /// Takes notifications that are due, the oldest first. They belong to the caller until the lease is over.
  func claimNotifications(limit: Int, lease: Duration, deadline: MonotonicInstant) async throws -> [Notification] {
    // Mostly there is none, which one statement tells.
    let look = try await read([NotificationSQL.anyDue], deadline: deadline)[0]
    guard try look.first?.decode("is_due") == true else { return [] }
    return try await pool.retrying(deadline: deadline) { connection in
      let rows = try await connection.executeBatch(
        [TransactionSQL.begin, NotificationSQL.due(limit: limit)], deadline: deadline)[1].rows
      guard !rows.isEmpty else {
        _ = try await connection.execute(TransactionSQL.rollback, deadline: deadline)
        return []
      }
      let answers = try await connection.executeBatch(
        [NotificationSQL.claim(try rows.map { try $0.decode("id") }, lease: lease), TransactionSQL.commit],
        deadline: deadline)
      return try answers[0].rows.map { try Notification(row: $0) }.sorted { $0.createdAt < $1.createdAt }
    }
  }

  /// Notes what came of attempts. Running it again is safe.
  func record(_ batch: GroupCommitBatch<NotificationRecord>) async throws {
    let ids = batch.items.map(\.id)
    _ = try await pool.withConnection(deadline: batch.deadline) { connection in
      try await connection.executeBatch(
        [
          TransactionSQL.begin, NotificationSQL.lock(ids), NotificationSQL.record(batch.items), TransactionSQL.commit,
        ], deadline: batch.deadline)
    }
  }
}
