import FoundationEssentials
import Seams
package import ServiceKit

/// The inventory's database: runs transactions that are safe to run again.
///
/// Each transaction of this service finds by key what an earlier run of it has done (an order has one reservation, a
/// reservation ends once, a replenishment has its idempotency key, an update its movement), behind the row locks that
/// the earlier run holds until the server has ended it. So a commit whose answer was lost is read back by running the
/// transaction again on another connection (DESIGN §5, rule 8).
package struct InventoryDatabase: Sendable {
  let pool: SQLPool
  let environment: ServiceEnvironment
  let ids: TimeOrderedIDs
  let retry: RetryPolicy
  /// Rung after each commit that wrote events.
  let bell: Doorbell
  /// What must forget the stock that a transaction changed; `nil` without a cache.
  let cache: StockCache?

  /// What its sessions need on a live PostgreSQL, so that a plan made while a table was empty does not read all of it
  /// for each row once it is full (ADR 0009).
  package static let sessionSettings = ["enable_seqscan": "off", "jit": "off"]

  /// The database behind `pool`.
  ///
  /// - Parameters:
  ///   - bell: what is rung when events were committed.
  ///   - cache: what has to forget stock that was changed. Nothing here ever reads from it.
  package init(
    pool: SQLPool, environment: ServiceEnvironment, retry: RetryPolicy = RetryPolicy(), bell: Doorbell = Doorbell(),
    cache: StockCache? = nil
  ) {
    self.pool = pool
    self.environment = environment
    self.retry = retry
    self.bell = bell
    self.cache = cache
    ids = TimeOrderedIDs(wallClock: environment.wallClock, entropy: environment.entropy)
  }

  /// Runs `body`, which begins and commits by itself, until it succeeds, fails for good or the deadline comes.
  ///
  /// - Parameter body: gets a connection and the number of the run, from 1. When it leaves without COMMIT, the pool
  ///   rolls back.
  /// - Throws: `SQLError`; what else `body` throws, at once.
  func transaction<R>(
    deadline: MonotonicInstant, _ body: (any SQLConnection, _ run: Int) async throws -> R
  ) async throws -> R {
    try await pool.repeating(deadline: deadline, retry: retry, body)
  }

  /// Runs a transaction that changes stock, as ``transaction(deadline:_:)`` does, and lets the cache forget that stock
  /// once it has ended.
  ///
  /// - Parameter body: adds the products whose rows it changes to `changed` before it commits. It keeps what earlier runs
  ///   have added: their commit may have taken effect.
  func changeStock<R>(
    deadline: MonotonicInstant,
    _ body: (any SQLConnection, _ run: Int, _ changed: inout [UUID]) async throws -> R
  ) async throws -> R {
    try await forgetting { changed in
      try await transaction(deadline: deadline) { connection, run in try await body(connection, run, &changed) }
    }
  }

  /// Runs `body` and lets the cache forget the products that it adds to `changed`: after their commit, and before anybody
  /// hears of it.
  func forgetting<R>(_ body: (_ changed: inout [UUID]) async throws -> R) async throws -> R {
    var changed: [UUID] = []
    do {
      let result = try await body(&changed)
      await cache?.invalidate(changed, isCertain: true)
      return result
    } catch {
      // The COMMIT may have been sent, and may take effect.
      await cache?.invalidate(changed, isCertain: false)
      throw error
    }
  }

  /// Runs one statement that only reads.
  func read(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> [SQLRow] {
    try await transaction(deadline: deadline) { connection, _ in
      try await connection.execute(statement, deadline: deadline).rows
    }
  }

  /// Runs statements that only read, in one round trip and one snapshot each.
  func read(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [[SQLRow]] {
    try await transaction(deadline: deadline) { connection, _ in
      try await connection.executeBatch(statements, deadline: deadline).map(\.rows)
    }
  }
}
