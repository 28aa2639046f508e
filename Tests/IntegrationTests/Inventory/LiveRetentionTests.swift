import Seams
import SeamsLive
import ServiceKit
import Testing

/// Old rows are removed from a real table, found by their index.
@Suite("Retention on PostgreSQL", .timeLimit(.minutes(1)))
struct LiveRetentionTests {
  @Test func oldRowsAreFoundByTheirIndexAndRemovedInBatches() async throws {
    try await LiveDatabase.with { database in
      try await database.migrate()
      try await database.rows(
        """
        INSERT INTO idempotency_keys (operation, key, request_hash, status, response, created_at)
        SELECT 'reserve', n::text, '', 200, '', now() - n * interval '1 minute' FROM generate_series(1, 20000) AS n
        """)
      try await database.rows("ANALYZE idempotency_keys")
      let pool = SQLPool(connector: database.connector, environment: .live, options: SQLPool.Options(size: 2))
      let retention = Retention(
        [Retention.Rule("idempotency_keys", after: "created_at", .days(1)), Retention.outbox], pool: pool,
        environment: .live, batchSize: 1_000)
      async let one = retention.removeOldRows()
      async let other = retention.removeOldRows()
      let removed = try await [one, other]
      await pool.shutdown(deadline: LiveDatabase.soon())
      #expect(removed.reduce(0) { $0 + ($1["idempotency_keys"] ?? 0) } == 20_000 - 24 * 60 + 1)
      #expect(removed.allSatisfy { $0["outbox"] == nil })
      let left = try await database.count("SELECT count(*) FROM idempotency_keys")
      #expect(left == 24 * 60 - 1)
      // A session's figures are there once it has ended.
      let deleted: SQLStatement = "SELECT n_tup_del::int8 FROM pg_stat_user_tables WHERE relname = 'idempotency_keys'"
      while try await database.count(deleted) < 20_000 - left {}
      let scanned: SQLStatement = """
        SELECT seq_tup_read::int8 FROM pg_stat_user_tables WHERE relname = 'idempotency_keys'
        """
      // Reading all rows for each of the 19 batches would make 200,000.
      #expect(try await database.count(scanned) < 60_000)
    }
  }
}
