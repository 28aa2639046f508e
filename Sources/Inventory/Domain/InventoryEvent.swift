package import FoundationEssentials
internal import ServiceKit

/// Something that happened to stock, as it goes into the outbox: the attributes and data of a CloudEvent (CONTRACT,
/// "Events").
package struct InventoryEvent: OutboxEvent, Sendable, Hashable {
  /// The event's kind.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case inventoryReserved = "InventoryReserved"
    case inventoryConfirmed = "InventoryConfirmed"
    case inventoryReleased = "InventoryReleased"
    case stockDepleted = "StockDepleted"
    case stockReplenished = "StockReplenished"
  }

  /// CloudEvents `id`.
  package var id: UUID
  /// What happened.
  package var kind: Kind
  /// CloudEvents `type`.
  package var type: String { kind.rawValue }
  /// CloudEvents `subject`: the reservation's or the product's id.
  package var subject: UUID
  /// CloudEvents `sequence`: rises for each subject.
  ///
  /// A reservation begins with 1 and ends with 2; a product's events carry the version of its row. Both are decided
  /// under the row's lock, so that no counter is needed.
  package var sequence: Int
  /// CloudEvents `correlationid`.
  package var correlationId: UUID
  /// CloudEvents `data`, as JSON.
  package var data: String

  /// The sequence of the event that begins a reservation.
  package static let reservationBegins = 1
  /// The sequence of the one event that ends a reservation.
  package static let reservationEnds = 2
}
