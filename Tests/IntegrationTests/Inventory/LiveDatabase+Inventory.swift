import FoundationEssentials
import Inventory
import Postgres
import Seams
import ServiceKit

extension LiveDatabase {
  /// Runs the service's migrations.
  func migrate() async throws {
    let migrator = Migrator(migrations: try InventoryMigrations.load(), connector: connector, environment: .live)
    try await migrator.up(deadline: LiveDatabase.soon())
  }

  /// The rows that a statement answers, on a connection of its own.
  @discardableResult
  func rows(_ statement: SQLStatement) async throws -> [SQLRow] {
    let connection = try await connector.connect(deadline: LiveDatabase.soon())
    defer { connection.close() }
    return try await connection.execute(statement, deadline: LiveDatabase.soon()).rows
  }

  /// The number that a statement answers in its first column.
  func count(_ statement: SQLStatement) async throws -> Int {
    guard let value = try await rows(statement).first?.values.first, let number = Int(sqlValue: value) else {
      throw ConformanceFailure("no number: \(statement.text)")
    }
    return number
  }

  /// Products whose rows do not add up: reserved is what pending reservations hold, quantity is the ledger's sum.
  func discrepancies() async throws -> [String] {
    try await rows(
      """
      SELECT i.product_id::text || ': ' || i.quantity || ' on hand, ' || i.reserved || ' reserved' AS discrepancy
      FROM inventory_items AS i
      WHERE i.reserved <> (
          SELECT coalesce(sum(l.quantity), 0)
          FROM reservation_items AS l JOIN reservations AS r ON r.id = l.reservation_id
          WHERE l.product_id = i.product_id AND r.status = 'pending')
        OR i.quantity <> (SELECT coalesce(sum(m.delta), 0) FROM stock_movements AS m WHERE m.product_id = i.product_id)
      """
    ).map { try $0.decode("discrepancy") }
  }

  /// Waits until `sessions` of this database wait for a lock at the same time.
  func untilLocksAreAwaited(by sessions: Int) async throws {
    let waiting: SQLStatement = """
      SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
      """
    while try await count(waiting) < sessions {}
  }

  /// Deadlocks that the server has ended in this database. A session's are counted for good once it has ended (manual,
  /// 28.2), so that this waits for the end of all others.
  func deadlocks() async throws -> Int {
    let connection = try await connector.connect(deadline: LiveDatabase.soon())
    defer { connection.close() }
    let others: SQLStatement = """
      SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      """
    while try await !connection.execute(others, deadline: LiveDatabase.soon()).rows.isEmpty {}
    return try await connection.execute(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()", deadline: LiveDatabase.soon()
    ).rows[0].decode("deadlocks")
  }
}
