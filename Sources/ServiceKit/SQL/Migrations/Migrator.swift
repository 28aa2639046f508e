internal import Logging
package import Seams

/// Takes a database's schema from one version to another.
///
/// Each migration runs in a transaction of its own that first takes an advisory lock and then reads what was applied, so
/// two migrators at once take turns and neither applies anything twice.
package struct Migrator: Sendable {
  /// Where a migration stands in a database.
  package struct Status: Sendable, Hashable {
    /// The number that its file's name begins with.
    package var version: Int
    /// Its file's name without `.sql`.
    package var name: String
    /// When it was applied; `nil` when it was not.
    package var appliedAt: Timestamp?
  }

  /// Any constant will do, so long as nothing else in the database locks the same number.
  static let lockKey: Int64 = 0x7A6F_636F_0001

  private let migrations: [Migration]
  private let connector: any SQLConnector
  private let environment: ServiceEnvironment

  /// A migrator of `migrations` for the database that `connector` reaches.
  package init(migrations: MigrationSet, connector: any SQLConnector, environment: ServiceEnvironment) {
    self.migrations = migrations.migrations
    self.connector = connector
    self.environment = environment
  }

  /// Applies every migration that has not been applied.
  ///
  /// - Parameter deadline: for all of them together.
  /// - Returns: the names of those that were applied, in order.
  /// - Throws: ``MigrationError``; ``SQLError`` when the database cannot be reached.
  @discardableResult
  package func up(deadline: MonotonicInstant) async throws -> [String] {
    var applied: [String] = []
    while let name = try await step(deadline: deadline, isUp: true) { applied.append(name) }
    return applied
  }

  /// Takes back the last `count` migrations that were applied, or all when there are fewer.
  ///
  /// - Returns: the names of those that were taken back, in order.
  /// - Throws: ``MigrationError``; ``SQLError`` when the database cannot be reached.
  @discardableResult
  package func down(_ count: Int, deadline: MonotonicInstant) async throws -> [String] {
    precondition(count >= 0, "a negative number of migrations")
    var reverted: [String] = []
    while reverted.count < count, let name = try await step(deadline: deadline, isUp: false) { reverted.append(name) }
    return reverted
  }

  /// Every migration and when it was applied. Changes nothing.
  ///
  /// - Throws: ``MigrationError`` `historyDiffers` when the database was migrated by other files; ``SQLError``.
  package func status(deadline: MonotonicInstant) async throws -> [Status] {
    let connection = try await connector.connect(deadline: deadline)
    defer { connection.close() }
    var applied: [AppliedMigration] = []
    do {
      applied = try await history(connection, deadline)
    } catch let error as SQLError where error.sqlState == "42P01" {
      // undefined_table: nothing was ever migrated.
    }
    try check(applied)
    return migrations.enumerated().map { index, migration in
      Status(
        version: migration.version, name: migration.name,
        appliedAt: index < applied.count ? applied[index].appliedAt : nil)
    }
  }

  // MARK: One step

  /// Applies the next migration or takes back the last one; `nil` when there is none.
  private func step(deadline: MonotonicInstant, isUp: Bool) async throws -> String? {
    let connection = try await connector.connect(deadline: deadline)
    defer { connection.close() }
    _ = try await connection.execute("BEGIN", deadline: deadline)
    _ = try await connection.execute("SELECT pg_advisory_xact_lock(\(Self.lockKey))", deadline: deadline)
    try await createHistory(connection, deadline)
    let applied = try await history(connection, deadline)
    try check(applied)
    guard isUp ? applied.count < migrations.count : !applied.isEmpty else {
      _ = try await connection.execute("COMMIT", deadline: deadline)
      return nil
    }
    let migration = migrations[isUp ? applied.count : applied.count - 1]
    try await run(isUp ? migration.up : migration.down, of: migration, isUp, connection, deadline)
    if isUp {
      _ = try await connection.execute(
        """
        INSERT INTO schema_migrations (version, name, checksum) \
        VALUES (\(migration.version), \(migration.name), \(migration.checksum))
        """, deadline: deadline)
    } else {
      _ = try await connection.execute(
        "DELETE FROM schema_migrations WHERE version = \(migration.version)", deadline: deadline)
    }
    _ = try await connection.execute("COMMIT", deadline: deadline)
    environment.logger.debug("\(isUp ? "applied" : "took back") \(migration.name)")
    return migration.name
  }

  private func run(
    _ script: String, of migration: Migration, _ isUp: Bool, _ connection: any SQLConnection,
    _ deadline: MonotonicInstant
  ) async throws {
    let file = migration.name + (isUp ? ".sql" : ".down.sql")
    do {
      try await connection.executeScript(script, deadline: deadline)
    } catch let error as SQLError {
      let place = error.position.map { " at line \(Self.line(of: $0, in: script))" } ?? ""
      throw MigrationError(.migrationFailed, "\(file) failed\(place); nothing of it was applied", cause: error)
    }
    guard connection.status == .inTransaction else {
      throw MigrationError(
        .migrationFailed, "\(file) ended its transaction: remove BEGIN, COMMIT and ROLLBACK from it")
    }
  }

  private static func line(of position: Int, in script: String) -> Int {
    script.unicodeScalars.prefix(max(0, position - 1)).count { $0 == "\n" } + 1
  }

  // MARK: History

  private struct AppliedMigration {
    var version: Int
    var name: String
    var checksum: String
    var appliedAt: Timestamp
  }

  private func createHistory(_ connection: any SQLConnection, _ deadline: MonotonicInstant) async throws {
    let table: SQLStatement = """
      CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, \
      checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
      """
    _ = try await connection.execute(table, deadline: deadline)
  }

  private func history(
    _ connection: any SQLConnection, _ deadline: MonotonicInstant
  ) async throws -> [AppliedMigration] {
    let result = try await connection.execute(
      "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version", deadline: deadline)
    return try result.rows.map { row in
      try AppliedMigration(
        version: row.decode("version"), name: row.decode("name"), checksum: row.decode("checksum"),
        appliedAt: row.decode("applied_at"))
    }
  }

  /// Checks that what was applied is the beginning of what we have, file by file.
  private func check(_ applied: [AppliedMigration]) throws(MigrationError) {
    for (index, entry) in applied.enumerated() {
      guard index < migrations.count else {
        throw MigrationError(
          .historyDiffers, "the database has \(entry.name), which this build does not know: use a newer build")
      }
      let migration = migrations[index]
      guard entry.version == migration.version else {
        throw MigrationError(
          .historyDiffers,
          "the database has version \(entry.version) where \(migration.name) was expected: a row of "
            + "schema_migrations is missing")
      }
      guard entry.name == migration.name else {
        throw MigrationError(
          .historyDiffers, "version \(entry.version) was applied as \(entry.name) and is now \(migration.name)")
      }
      guard entry.checksum == migration.checksum else {
        throw MigrationError(
          .historyDiffers,
          "\(migration.name).sql has changed since it was applied: restore it and put the change into a new migration")
      }
    }
  }
}
