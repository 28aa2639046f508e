package import FoundationEssentials
package import Seams
internal import ServiceKit

/// A place in a user's list of orders: behind the order that it names. Opaque to callers.
package struct OrderCursor: Sendable, Hashable {
  /// When the order was made.
  package var createdAt: Timestamp
  /// The order.
  package var id: UUID

  /// The place behind the order `id`.
  package init(createdAt: Timestamp, id: UUID) {
    self.createdAt = createdAt
    self.id = id
  }

  /// Reads what ``text`` wrote; `nil` for anything else.
  package init?(text: String) {
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, let micros = Int64(parts[0]), let id = UUID(text: parts[1]) else { return nil }
    self.init(createdAt: Timestamp(microsecondsSinceEpoch: micros), id: id)
  }

  /// The cursor, for a query.
  package var text: String { "\(createdAt.microsecondsSinceEpoch)_\(id.canonicalText)" }
}
