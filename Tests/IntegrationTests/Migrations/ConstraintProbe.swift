import Seams

/// Statements that the schema must accept or refuse, in the order in which they are tried, each with what it comes to.
enum ConstraintProbe {
  static var statements: [SQLStatement] { probes.map { SQLStatement(trusted: $0.sql) } }
  static var outcomes: [String] { probes.map(\.outcome) }

  /// The rows of a statement, or the SQLSTATE and the name of what it violates.
  static func outcome(
    of statement: SQLStatement, on connection: any SQLConnection, _ deadline: MonotonicInstant
  ) async throws -> String {
    do {
      let result = try await connection.execute(statement, deadline: deadline)
      if result.rows.isEmpty { return "\(result.rowCount) rows" }
      return result.rows.map { row in row.values.map { "\($0)" }.joined(separator: ", ") }.joined(separator: "; ")
    } catch let error as SQLError {
      return "\(error.sqlState?.description ?? "\(error)") \(error.constraint ?? error.column ?? "")"
    }
  }

  private static let item = "'00000000-0000-4000-8000-000000000001'"
  private static let other = "'00000000-0000-4000-8000-000000000002'"

  private static let probes: [(sql: String, outcome: String)] = [
    ("INSERT INTO inventory_items (product_id, quantity) VALUES (\(item), 5)", "1 rows"),
    ("SELECT reserved, version FROM inventory_items", "int(0), int(1)"),
    ("INSERT INTO inventory_items (product_id, quantity) VALUES (\(item), 5)", "23505 inventory_items_pkey"),
    ("INSERT INTO inventory_items (product_id) VALUES (\(other))", "23502 quantity"),
    ("UPDATE inventory_items SET reserved = 6", "23514 inventory_items_reserved_check"),
    ("UPDATE inventory_items SET reserved = -1", "23514 inventory_items_reserved_check"),
    ("UPDATE inventory_items SET quantity = 1000000001", "23514 inventory_items_quantity_check"),
    ("UPDATE inventory_items SET version = 0", "23514 inventory_items_version_check"),
    ("UPDATE inventory_items SET quantity = 1000000000, reserved = 1000000000", "1 rows"),
    (
      "INSERT INTO reservations (id, order_id, expires_at) VALUES (\(item), \(item), now())", "1 rows"
    ),
    ("SELECT status FROM reservations", "text(\"pending\")"),
    (
      "INSERT INTO reservations (id, order_id, expires_at) VALUES (\(other), \(item), now())",
      "23505 reservations_order_id_key"
    ),
    ("UPDATE reservations SET status = 'lost'", "23514 reservations_status_check"),
    ("INSERT INTO reservation_items VALUES (\(item), \(item), 0)", "23514 reservation_items_quantity_check"),
    ("INSERT INTO reservation_items VALUES (\(item), \(item), 1001)", "23514 reservation_items_quantity_check"),
    ("INSERT INTO reservation_items VALUES (\(other), \(item), 1)", "23503 reservation_items_reservation_id_fkey"),
    ("INSERT INTO reservation_items VALUES (\(item), \(other), 1)", "23503 reservation_items_product_id_fkey"),
    ("INSERT INTO reservation_items VALUES (\(item), \(item), 1)", "1 rows"),
    ("INSERT INTO reservation_items VALUES (\(item), \(item), 2)", "23505 reservation_items_pkey"),
    ("DELETE FROM inventory_items", "23503 reservation_items_product_id_fkey"),
    ("DELETE FROM reservations", "1 rows"),
    ("SELECT count(*) FROM reservation_items", "int(0)"),
    (
      "INSERT INTO stock_movements (product_id, delta, reason, ref) VALUES (\(item), 5, 'stolen', 'x')",
      "23514 stock_movements_reason_check"
    ),
    (
      "INSERT INTO stock_movements (product_id, delta, reason, ref) VALUES (\(other), 5, 'initial', 'x')",
      "23503 stock_movements_product_id_fkey"
    ),
    (
      "INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data) "
        + "VALUES (\(item), 't', 's', 1, 16, now(), \(item), '{}')", "23514 outbox_shard_check"
    ),
    (
      "INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data) "
        + "VALUES (\(item), 't', 's', 0, 15, now(), \(item), '{}')", "23514 outbox_sequence_check"
    ),
    (
      "INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data, refusal) "
        + "VALUES (\(item), 't', 's', 1, 15, now(), \(item), '{}', 'r')", "23514 outbox_refusal_check"
    ),
    ("INSERT INTO idempotency_keys VALUES ('o', 'k', '\\x00', 200, '{}')", "1 rows"),
    ("INSERT INTO idempotency_keys VALUES ('o', 'k', '\\x01', 200, '{}')", "23505 idempotency_keys_pkey"),
  ]
}
