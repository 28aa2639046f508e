internal import FoundationEssentials
internal import NIOCore
internal import Seams

/// The statements of a consumer, on the tables of ``InboxSchema``.
enum InboxSQL {
  /// Counts an attempt, once for each delivery, unless the event has come to its end.
  ///
  /// While another consumer handles a copy of the event this waits for it: that one holds the row's lock.
  static func count(_ event: CloudEvent, delivery: UUID) -> SQLStatement {
    """
    INSERT INTO inbox (event_id, type, attempts, delivery)
    VALUES (\(event.id), \(storable(event.type)), 1, \(delivery))
    ON CONFLICT (event_id) DO UPDATE SET attempts = inbox.attempts + 1, delivery = excluded.delivery
    WHERE inbox.processed_at IS NULL AND inbox.dead_at IS NULL AND inbox.delivery <> excluded.delivery
    """
  }

  /// Notes an event that is processed by being received.
  static func received(_ event: CloudEvent, delivery: UUID) -> SQLStatement {
    """
    INSERT INTO inbox (event_id, type, attempts, delivery, processed_at)
    VALUES (\(event.id), \(storable(event.type)), 1, \(delivery), clock_timestamp())
    ON CONFLICT (event_id) DO NOTHING
    """
  }

  static func state(of eventId: UUID) -> SQLStatement {
    """
    SELECT attempts, processed_at IS NOT NULL AS is_processed, dead_at IS NOT NULL AS is_dead
    FROM inbox WHERE event_id = \(eventId)
    """
  }

  /// Locks the event's row, so that one consumer at a time handles it; none when it is processed or dead.
  static func lock(_ eventId: UUID) -> SQLStatement {
    """
    SELECT event_id FROM inbox WHERE event_id = \(eventId) AND processed_at IS NULL AND dead_at IS NULL FOR UPDATE
    """
  }

  static func processed(_ eventId: UUID) -> SQLStatement {
    "UPDATE inbox SET processed_at = clock_timestamp() WHERE event_id = \(eventId)"
  }

  static func note(_ failure: String, of eventId: UUID) -> SQLStatement {
    """
    UPDATE inbox SET history = history || \(storable(failure))
    WHERE event_id = \(eventId) AND processed_at IS NULL
    """
  }

  /// Ends an event without effect, unless it has taken effect.
  static func kill(_ eventId: UUID) -> SQLStatement {
    """
    UPDATE inbox SET dead_at = coalesce(dead_at, clock_timestamp())
    WHERE event_id = \(eventId) AND processed_at IS NULL RETURNING history
    """
  }

  /// Stores a dead letter; one that died before, and was tried again, is there already.
  static func bury(_ letter: DeadLetter, history: String) -> SQLStatement {
    let event = letter.event
    return """
      INSERT INTO dead_letters (id, queue, event_id, type, subject, correlation_id, exchange, routing_key, content_type,
        body, attempts, reason, history, died_at)
      VALUES (\(letter.id), \(letter.queue), \(event?.id), \(event.map { storable($0.type) }),
        \(event?.subject.map(storable)), \(event?.correlationId), \(storable(letter.exchange)),
        \(storable(letter.routingKey)), \(letter.message.contentType.map(storable)),
        \(SQLValue.bytes(Array(letter.message.body.readableBytesView))), \(letter.attempts), \(storable(letter.reason)),
        \(history), clock_timestamp())
      ON CONFLICT (id) DO UPDATE SET attempts = excluded.attempts, reason = excluded.reason, history = excluded.history,
        died_at = excluded.died_at, resolved_at = NULL, resolution = NULL
      """
  }

  /// A text as PostgreSQL can hold it: without U+0000.
  private static func storable(_ text: String) -> String {
    text.utf8.contains(0) ? String(text.unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : Character($0) }) : text
  }
}
