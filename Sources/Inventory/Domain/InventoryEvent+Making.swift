package import FoundationEssentials
import ServiceKit

extension InventoryEvent {
  /// A reservation was made.
  package static func reserved(_ reservation: Reservation, id: UUID, correlationId: UUID) -> InventoryEvent {
    InventoryEvent(
      id: id, kind: .inventoryReserved, subject: reservation.id, sequence: reservationBegins,
      correlationId: correlationId, data: data(of: reservation, reason: nil))
  }

  /// A reservation was confirmed: its stock left.
  package static func confirmed(_ reservation: Reservation, id: UUID, correlationId: UUID) -> InventoryEvent {
    InventoryEvent(
      id: id, kind: .inventoryConfirmed, subject: reservation.id, sequence: reservationEnds,
      correlationId: correlationId, data: data(of: reservation, reason: nil))
  }

  /// A reservation was released or expired: its stock returned.
  package static func released(
    _ reservation: Reservation, reason: ReleaseReason, id: UUID, correlationId: UUID
  ) -> InventoryEvent {
    InventoryEvent(
      id: id, kind: .inventoryReleased, subject: reservation.id, sequence: reservationEnds,
      correlationId: correlationId, data: data(of: reservation, reason: reason))
  }

  /// A change made the available quantity 0.
  package static func depleted(_ item: StockItem, id: UUID, correlationId: UUID) -> InventoryEvent {
    InventoryEvent(
      id: id, kind: .stockDepleted, subject: item.productId, sequence: item.version, correlationId: correlationId,
      data: data(of: item))
  }

  /// A change added to the quantity.
  package static func replenished(_ item: StockItem, id: UUID, correlationId: UUID) -> InventoryEvent {
    InventoryEvent(
      id: id, kind: .stockReplenished, subject: item.productId, sequence: item.version, correlationId: correlationId,
      data: data(of: item))
  }

  private static func data(of reservation: Reservation, reason: ReleaseReason?) -> String {
    var json = JSONWriter(capacity: 192 + 80 * reservation.lines.count)
    json.object { json in
      json.member("reservationId", reservation.id)
      json.member("orderId", reservation.orderId)
      json.member("items", in: reservation.lines) { json, line in
        json.object { json in
          json.member("productId", line.productId)
          json.member("quantity", line.quantity)
        }
      }
      json.member("expiresAt", reservation.expiresAt)
      if let reason { json.member("reason", reason.rawValue) }
    }
    return json.text
  }

  private static func data(of item: StockItem) -> String {
    var json = JSONWriter(capacity: 96)
    json.object { json in
      json.member("productId", item.productId)
      json.member("quantity", item.quantity)
      json.member("available", item.available)
    }
    return json.text
  }
}
