internal import Seams
package import ServiceKit

/// The orders' database: runs transactions that are safe to run again.
///
/// Each finds by key what an earlier run of it has done: an order by its idempotency key, a record of a saga by the
/// version that it made, a cancellation by its reason. So a commit whose answer was lost is read back by running the
/// transaction again on another connection (DESIGN §5, rule 8).
package struct OrdersDatabase: Sendable {
  let pool: SQLPool
  let environment: ServiceEnvironment
  let ids: TimeOrderedIDs
  /// Rung after each commit that wrote events.
  let bell: Doorbell

  /// What its sessions need on a live PostgreSQL, so that a plan made while a table was empty does not read all of it
  /// for each row once it is full (ADR 0009).
  package static let sessionSettings = ["enable_seqscan": "off", "jit": "off"]

  /// The database behind `pool`.
  ///
  /// - Parameter bell: what is rung when events were committed.
  package init(pool: SQLPool, environment: ServiceEnvironment, bell: Doorbell = Doorbell()) {
    self.pool = pool
    self.environment = environment
    self.bell = bell
    ids = TimeOrderedIDs(wallClock: environment.wallClock, entropy: environment.entropy)
  }

  /// Runs statements that only read, in one round trip and one snapshot each.
  func read(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [[SQLRow]] {
    try await pool.retrying(deadline: deadline) { connection in
      try await connection.executeBatch(statements, deadline: deadline).map(\.rows)
    }
  }
}
