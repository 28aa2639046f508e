import FoundationEssentials
import Seams

/// The statements on orders as their customers see them.
enum OrderSQL {
  static func order(_ id: UUID, userId: String) -> SQLStatement {
    """
    SELECT id, status, total, currency, failure_code, failure_detail, created_at, updated_at
    FROM orders WHERE id = \(id) AND user_id = \(userId)
    """
  }

  static func items(_ id: UUID) -> SQLStatement {
    "SELECT product_id, quantity, unit_price FROM order_items WHERE order_id = \(id) ORDER BY product_id"
  }

  static func history(_ id: UUID) -> SQLStatement {
    "SELECT status, at FROM order_history WHERE order_id = \(id)"
  }

  /// A user's newest orders.
  static func newest(userId: String, limit: Int) -> SQLStatement {
    """
    SELECT id, status, total, currency, failure_code, failure_detail, created_at, updated_at
    FROM orders WHERE user_id = \(userId) ORDER BY created_at DESC, id DESC LIMIT \(limit)
    """
  }

  /// Those behind `cursor`.
  static func newest(userId: String, behind cursor: OrderCursor, limit: Int) -> SQLStatement {
    """
    SELECT id, status, total, currency, failure_code, failure_detail, created_at, updated_at
    FROM orders
    WHERE user_id = \(userId) AND created_at <= \(cursor.createdAt)
      AND (created_at < \(cursor.createdAt) OR id < \(cursor.id))
    ORDER BY created_at DESC, id DESC LIMIT \(limit)
    """
  }

  /// Which of `ids` have come to their final state.
  static func settled(among ids: [UUID]) -> SQLStatement {
    """
    SELECT id FROM orders
    WHERE id = ANY(\(ids)::uuid[]) AND status IN ('CONFIRMED', 'FAILED', 'CANCELLED')
    """
  }

  /// Locks an order to change it from outside its saga.
  static func lock(_ id: UUID) -> SQLStatement {
    "SELECT user_id, status, saga_state, stop_reason FROM orders WHERE id = \(id) FOR NO KEY UPDATE"
  }

  /// Asks a saga to turn round, and wakes one that rests. What a customer asked for stands.
  static func stop(_ id: UUID, reason: StopReason) -> SQLStatement {
    """
    UPDATE orders SET stop_reason = CASE WHEN stop_reason = 'cancelled' THEN stop_reason ELSE \(reason.rawValue) END,
      lease_until = CASE WHEN lease_owner IS NULL THEN now() ELSE lease_until END
    WHERE id = \(id) AND saga_state = 'forward'
    """
  }

  /// Wakes a saga that rests.
  static func wake(_ id: UUID) -> SQLStatement {
    "UPDATE orders SET lease_until = now() WHERE id = \(id) AND lease_owner IS NULL AND lease_until IS NOT NULL"
  }
}

extension Order {
  /// From a row of ``OrderSQL``, without items and history.
  init(row: SQLRow) throws {
    let code: String? = try row.decodeIfPresent("failure_code")
    let status = try OrderStatus(column: row.decode("status"))
    self.init(
      id: try row.decode("id"), status: status, total: try Money(row: row, amount: "total"),
      failure: status == .failed
        ? OrderFailure(code: code ?? "", detail: try row.decodeIfPresent("failure_detail") ?? "") : nil,
      createdAt: try row.decode("created_at"), updatedAt: try row.decode("updated_at"), items: [], history: [])
  }
}

extension Order.Entry {
  /// From rows of ``OrderSQL/history(_:)``, from the first state on.
  static func list(_ rows: [SQLRow]) throws -> [Order.Entry] {
    try rows.map { row in
      Order.Entry(status: try OrderStatus(column: row.decode("status")), at: try row.decode("at"))
    }.sorted { $0.status.rank < $1.status.rank }
  }
}
