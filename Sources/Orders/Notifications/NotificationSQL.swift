import FoundationEssentials
import Seams

/// The statements on what customers are to be told. ``SagaSQL/notify(_:)`` writes the rows.
enum NotificationSQL {
  /// Whether anything is due.
  static let anyDue: SQLStatement = """
    SELECT EXISTS (SELECT 1 FROM notifications WHERE delivered_at IS NULL AND due_at <= now()) AS is_due
    """

  /// What is due, the longest waiting first, as far as nobody else takes it at the moment.
  static func due(limit: Int) -> SQLStatement {
    """
    SELECT id FROM notifications WHERE delivered_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT \(limit)
    FOR NO KEY UPDATE SKIP LOCKED
    """
  }

  /// Takes rows that are locked: nobody else takes them before the lease is over.
  static func claim(_ ids: [UUID], lease: Duration) -> SQLStatement {
    """
    UPDATE notifications AS n
    SET attempts = n.attempts + 1, due_at = now() + \(lease.inMilliseconds)::int8 * interval '1 millisecond'
    FROM orders AS o
    WHERE n.id = ANY(\(ids)::uuid[]) AND o.id = n.order_id
    RETURNING n.id, n.type, n.order_id, n.user_id, n.data::text AS data, n.created_at, n.attempts, o.correlation_id
    """
  }

  /// Locks rows in the order of their ids: an UPDATE that joins fixes none.
  static func lock(_ ids: [UUID]) -> SQLStatement {
    "SELECT id FROM notifications WHERE id = ANY(\(ids)::uuid[]) ORDER BY id FOR NO KEY UPDATE"
  }

  /// Notes what came of attempts. What was delivered is delivered, whoever did it; a pause is set only by the latest
  /// claim.
  static func record(_ records: [NotificationRecord]) -> SQLStatement {
    """
    UPDATE notifications AS n
    SET delivered_at = CASE WHEN r.pause IS NULL THEN now() END, error = r.error,
      due_at = CASE WHEN r.pause IS NULL THEN n.due_at ELSE now() + r.pause * interval '1 millisecond' END
    FROM unnest(\(records.map(\.id))::uuid[], \(records.map(\.attempts))::int4[], \
    \(optional(records.map { $0.pause?.inMilliseconds }))::int8[], \(optional(records.map(\.error)))::text[])
    AS r(id, attempts, pause, error)
    WHERE n.id = r.id AND n.delivered_at IS NULL AND (r.pause IS NULL OR n.attempts = r.attempts)
    """
  }

  private static func optional<Value: SQLEncodable>(_ values: [Value?]) -> SQLValue {
    .array(values.map { $0?.sqlValue ?? .null })
  }
}

/// What came of an attempt, as its row is to say.
struct NotificationRecord: Sendable, Hashable {
  var id: UUID
  /// The claim under which the attempt was made.
  var attempts: Int
  /// How long the row rests; `nil`: it was delivered.
  var pause: Duration?
  /// What the attempt met; `nil`: it was delivered.
  var error: String?
}
