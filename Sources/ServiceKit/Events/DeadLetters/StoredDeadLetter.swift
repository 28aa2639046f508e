package import FoundationEssentials
package import Seams

/// A dead letter as the table `dead_letters` holds it, without its body.
package struct StoredDeadLetter: Sendable, Hashable {
  /// Names the letter: the same for the same event, or the same bytes, of the same queue.
  package var id: UUID
  /// The queue whose consumer gave it up.
  package var queue: String
  /// The event; `nil` when the message is none.
  package var eventId: UUID?
  /// The event's type.
  package var type: String?
  /// What the event tells of.
  package var subject: String?
  /// The request that the event goes back to.
  package var correlationId: UUID?
  /// The exchange that the message was first published to.
  package var exchange: String
  /// The routing key that it was first published with.
  package var routingKey: String
  /// The message's media type.
  package var contentType: String?
  /// Bytes of its body.
  package var size: Int
  /// How often it was tried.
  package var attempts: Int
  /// What the last attempt failed with.
  package var cause: String
  /// What every attempt failed with, and who let it be tried again, a line each.
  package var history: String
  /// When it was given up, by the database's clock.
  package var diedAt: Timestamp
  /// When somebody or something dealt with it; `nil` while it is open.
  package var resolvedAt: Timestamp?
  /// How it was dealt with.
  package var resolution: String?

  /// Whether nobody has dealt with it yet.
  package var isOpen: Bool { resolvedAt == nil }

  /// From a row of ``DeadLetterSQL``.
  init(row: SQLRow) throws {
    id = try row.decode("id")
    queue = try row.decode("queue")
    eventId = try row.decodeIfPresent("event_id")
    type = try row.decodeIfPresent("type")
    subject = try row.decodeIfPresent("subject")
    correlationId = try row.decodeIfPresent("correlation_id")
    exchange = try row.decode("exchange")
    routingKey = try row.decode("routing_key")
    contentType = try row.decodeIfPresent("content_type")
    size = try row.decode("size")
    attempts = try row.decode("attempts")
    cause = try row.decode("reason")
    history = try row.decode("history")
    diedAt = try row.decode("died_at")
    resolvedAt = try row.decodeIfPresent("resolved_at")
    resolution = try row.decodeIfPresent("resolution")
  }
}

/// A place in a list of dead letters: behind the letter that it names. Opaque to callers.
package struct DeadLetterCursor: Sendable, Hashable {
  /// When the letter died.
  package var diedAt: Timestamp
  /// The letter.
  package var id: UUID

  /// The place behind `letter`.
  package init(behind letter: StoredDeadLetter) {
    diedAt = letter.diedAt
    id = letter.id
  }

  /// Reads what ``text`` wrote; `nil` for anything else.
  package init?(text: String) {
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, let micros = Int64(parts[0]), let id = UUID(text: parts[1]) else { return nil }
    diedAt = Timestamp(microsecondsSinceEpoch: micros)
    self.id = id
  }

  /// The cursor, for a query.
  package var text: String { "\(diedAt.microsecondsSinceEpoch)_\(id.canonicalText)" }
}

/// A page of a list of dead letters, newest first.
package struct DeadLetterPage: Sendable, Hashable {
  /// The page's letters.
  package var letters: [StoredDeadLetter]
  /// Where the next page begins; `nil` when this is the last one.
  package var next: DeadLetterCursor?
}

/// A dead letter's body, as far as it can be shown.
package enum DeadLetterBody: Sendable, Hashable {
  /// It is a text.
  case text(String)
  /// It is none: its bytes, two hexadecimal digits each.
  case hex(String)
  /// It has more bytes than ``DeadLetterStore/shownBody``.
  case tooLarge

  /// Bytes as a text where they are one: UTF-8 without U+0000.
  init(_ bytes: [UInt8]) {
    if let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) {
      self = .text(text)
    } else {
      var digits: [UInt8] = []
      digits.reserveCapacity(bytes.count * 2)
      for byte in bytes { digits += [hexDigit(byte >> 4), hexDigit(byte & 15)] }
      self = .hex(String(decoding: digits, as: UTF8.self))
    }
  }
}

/// How many dead letters there are.
package struct DeadLetterCounts: Sendable, Hashable {
  /// Letters of one queue, or of one type.
  package struct Share: Sendable, Hashable {
    /// The queue or type; `nil` for messages that are no events.
    package var name: String?
    /// Open letters.
    package var count: Int
  }

  /// Letters that nobody has dealt with.
  package var open = 0
  /// Letters that somebody or something has dealt with.
  package var resolved = 0
  /// When the oldest open one died.
  package var oldest: Timestamp?
  /// The open ones by queue.
  package var byQueue: [Share] = []
  /// The open ones by their event's type.
  package var byType: [Share] = []

  /// From rows of ``DeadLetterSQL/open`` and ``DeadLetterSQL/resolved``.
  init(open rows: [SQLRow], resolved: SQLRow?) throws {
    for row in rows {
      let count: Int = try row.decode("letters")
      let died: Timestamp = try row.decode("oldest")
      open += count
      oldest = min(oldest ?? died, died)
      Self.add(count, to: &byQueue, try row.decode("queue", as: String.self))
      Self.add(count, to: &byType, try row.decodeIfPresent("type"))
    }
    self.resolved = try resolved?.decode("letters") ?? 0
  }

  private static func add(_ count: Int, to shares: inout [Share], _ name: String?) {
    if let index = shares.firstIndex(where: { $0.name == name }) {
      shares[index].count += count
    } else {
      shares.append(Share(name: name, count: count))
    }
  }
}
