import Seams
import ServiceKit

extension OrdersDatabase {
  /// Takes notifications that are due, the oldest first. They belong to the caller until the lease is over.
  func claimNotifications(limit: Int, lease: Duration, deadline: MonotonicInstant) async throws -> [Notification] {
    try await pool.transaction(deadline: deadline) { connection in
      let rows = try await connection.execute(NotificationSQL.due(limit: limit), deadline: deadline).rows
      guard !rows.isEmpty else { return [] }
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
