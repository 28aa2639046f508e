internal import FoundationEssentials
internal import Seams

/// The statements on dead letters, for those who deal with them.
///
/// Lock order: the inbox's row of an event before its letter, as the consumer takes them when it buries one.
enum DeadLetterSQL {
  /// Resolves letters whose events have taken effect since, by a retry whose end nobody saw.
  static let settle: SQLStatement = """
    UPDATE dead_letters AS d SET resolved_at = clock_timestamp(), resolution = 'processed'
    FROM inbox AS i WHERE d.resolved_at IS NULL AND i.event_id = d.event_id AND i.processed_at IS NOT NULL
    """

  static let open: SQLStatement = """
    SELECT queue, type, count(*) AS letters, min(died_at) AS oldest FROM dead_letters WHERE resolved_at IS NULL
    GROUP BY queue, type ORDER BY queue, type
    """

  static let resolved: SQLStatement = """
    SELECT count(*) AS letters FROM dead_letters WHERE resolved_at IS NOT NULL
    """

  private static let columns = """
    id, queue, event_id, type, subject, correlation_id, exchange, routing_key, content_type,
    octet_length(body) AS size, attempts, reason, history, died_at, resolved_at, resolution
    """

  /// The newest letters, open or resolved ones, from the beginning or behind a place.
  static func newest(isOpen: Bool, behind cursor: DeadLetterCursor?, limit: Int) -> SQLStatement {
    let state = isOpen ? "resolved_at IS NULL" : "resolved_at IS NOT NULL"
    let place = cursor == nil ? "" : "AND died_at <= $2 AND (died_at < $2 OR id < $3)"
    return SQLStatement(
      trusted: """
        SELECT \(columns) FROM dead_letters WHERE \(state) \(place) ORDER BY died_at DESC, id DESC LIMIT $1
        """,
      parameters: [limit.sqlValue] + (cursor.map { [$0.diedAt.sqlValue, $0.id.sqlValue] } ?? []))
  }

  /// One letter; its body only when that has at most `maximumSize` bytes.
  static func letter(_ id: UUID, maximumSize: Int) -> SQLStatement {
    SQLStatement(
      trusted: """
        SELECT \(columns), CASE WHEN octet_length(body) <= $2 THEN body END AS body FROM dead_letters WHERE id = $1
        """, parameters: [id.sqlValue, maximumSize.sqlValue])
  }

  /// One letter, whole and locked.
  static func lock(_ id: UUID) -> SQLStatement {
    SQLStatement(
      trusted: "SELECT \(columns), body FROM dead_letters WHERE id = $1 FOR UPDATE", parameters: [id.sqlValue])
  }

  /// The event of a letter, which never changes.
  static func event(of id: UUID) -> SQLStatement {
    "SELECT event_id FROM dead_letters WHERE id = \(id)"
  }

  /// How an event stands, locked.
  static func lockEvent(_ id: UUID) -> SQLStatement {
    "SELECT processed_at IS NOT NULL AS is_processed FROM inbox WHERE event_id = \(id) FOR UPDATE"
  }

  /// Lets an event begin anew.
  static func revive(_ eventId: UUID, note: String) -> SQLStatement {
    """
    UPDATE inbox SET attempts = 0, dead_at = NULL, history = history || \(note)
    WHERE event_id = \(eventId) AND processed_at IS NULL
    """
  }

  /// Ends an open letter.
  static func resolve(_ id: UUID, _ resolution: String) -> SQLStatement {
    """
    UPDATE dead_letters SET resolved_at = clock_timestamp(), resolution = \(resolution)
    WHERE id = \(id) AND resolved_at IS NULL
    """
  }

  /// Ends an open letter, unless it has died again since.
  static func resolve(_ id: UUID, diedAt: Timestamp, _ resolution: String) -> SQLStatement {
    """
    UPDATE dead_letters SET resolved_at = clock_timestamp(), resolution = \(resolution)
    WHERE id = \(id) AND resolved_at IS NULL AND died_at = \(diedAt)
    """
  }
}
