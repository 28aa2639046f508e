import FoundationEssentials
import Seams
import ServiceKit

/// The statements of those who operate the service.
enum OperationsSQL {
  private static let columns = """
    o.id, o.user_id, o.status, o.saga_state, o.saga_step, o.saga_refusals, o.failure_code, o.failure_detail,
    o.stop_reason, o.created_at, o.updated_at, o.lease_until,
    o.lease_owner IS NOT NULL AND o.lease_until > now() AS is_driven, s.attempts, s.error
    """

  /// Each condition begins with what one of the indexes holds, so that rows of orders that are long over are not read.
  private static func condition(_ filter: SagaFilter) -> String {
    switch filter {
    case .running: "o.lease_until IS NOT NULL"
    case .forward: "o.lease_until IS NOT NULL AND o.saga_state = 'forward'"
    case .compensating: "o.lease_until IS NOT NULL AND o.saga_state = 'compensating'"
    case .stuck: "o.saga_refusals > 0 AND o.saga_state = 'stuck'"
    case .failed: "o.saga_ending IS NOT NULL AND o.status = 'FAILED'"
    case .open: "(o.lease_until IS NOT NULL OR o.saga_refusals > 0 AND o.saga_state = 'stuck')"
    case .done: "o.saga_state = 'done'"
    }
  }

  /// Sagas, the newest orders first: ids rise with the time at which they are made.
  static func sagas(_ filter: SagaFilter, behind id: UUID?, limit: Int) -> SQLStatement {
    SQLStatement(
      trusted: """
        SELECT \(columns) FROM orders AS o LEFT JOIN saga_steps AS s ON s.order_id = o.id AND s.step = o.saga_step
        WHERE \(condition(filter)) \(id == nil ? "" : "AND o.id < $2") ORDER BY o.id DESC LIMIT $1
        """, parameters: [limit.sqlValue] + (id.map { [$0.sqlValue] } ?? []))
  }

  static func saga(_ orderId: UUID) -> SQLStatement {
    SQLStatement(
      trusted: """
        SELECT \(columns) FROM orders AS o LEFT JOIN saga_steps AS s ON s.order_id = o.id AND s.step = o.saga_step
        WHERE o.id = $1
        """, parameters: [orderId.sqlValue])
  }

  static func steps(_ orderId: UUID) -> SQLStatement {
    """
    SELECT step, status, attempts, error, started_at, ended_at FROM saga_steps WHERE order_id = \(orderId)
    ORDER BY started_at, step
    """
  }

  /// Lets a stuck saga go on compensating, with as many refusals ahead of it as a new one.
  ///
  /// A record of its last owner, if one is still on its way, is refused by the lease's number.
  static func retry(_ orderId: UUID) -> SQLStatement {
    """
    UPDATE orders SET saga_state = 'compensating', saga_refusals = 0, lease_owner = NULL,
      lease_number = lease_number + 1, lease_until = now(), updated_at = now()
    WHERE id = \(orderId) AND saga_state = 'stuck'
    """
  }

  /// Sagas that go on by themselves, by state.
  static let running: SQLStatement = """
    SELECT saga_state, count(*) AS sagas FROM orders WHERE lease_until IS NOT NULL GROUP BY saga_state
    """

  static let stuck: SQLStatement = """
    SELECT count(*) AS sagas FROM orders WHERE saga_refusals > 0 AND saga_state = 'stuck'
    """

  /// Orders of the last day that failed.
  static let failedLately: SQLStatement = """
    SELECT count(*) AS sagas FROM orders
    WHERE saga_ending IS NOT NULL AND status = 'FAILED' AND created_at > now() - interval '1 day'
    """

  static let waiting: SQLStatement = """
    SELECT count(*) AS events, min(time) AS oldest FROM outbox WHERE published_at IS NULL AND refused_at IS NULL
    """

  static let refused: SQLStatement = """
    SELECT count(*) AS events FROM outbox WHERE refused_at IS NOT NULL AND published_at IS NULL
    """

  static func newestRefused(limit: Int) -> SQLStatement {
    """
    SELECT id, type, subject, refused_at, refusal FROM outbox
    WHERE refused_at IS NOT NULL AND published_at IS NULL ORDER BY refused_at DESC, position DESC LIMIT \(limit)
    """
  }
}
