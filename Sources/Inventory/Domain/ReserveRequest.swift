package import FoundationEssentials

/// A request to reserve all lines of an order.
package struct ReserveRequest: Sendable, Hashable {
  /// The order: the request's idempotency key.
  package let orderId: UUID
  /// What to reserve.
  package let lines: ReservationLines
  /// How long the reservation lives, in seconds.
  package let timeToLiveSeconds: Int
  /// Goes into the event.
  package let correlationId: UUID

  /// A request; `nil` when the life is not 1 s to 24 h.
  package init?(orderId: UUID, lines: ReservationLines, timeToLiveSeconds: Int, correlationId: UUID) {
    guard InventoryLimits.timeToLiveSeconds.contains(timeToLiveSeconds) else { return nil }
    self.orderId = orderId
    self.lines = lines
    self.timeToLiveSeconds = timeToLiveSeconds
    self.correlationId = correlationId
  }
}

/// What became of a reserve request. A refusal is a result, not an error.
package enum ReserveOutcome: Sendable, Hashable {
  /// The order holds this reservation: made now, or by an earlier request with the same lines.
  case reserved(Reservation)
  /// Products that do not exist.
  case productNotFound([UUID])
  /// Too little of some products.
  case insufficientStock([Shortage])
  /// The order has a reservation with other lines.
  case otherLines(Reservation)
  /// The order's reservation was released, perhaps before this request arrived.
  case released(Reservation)
  /// The order's reservation expired.
  case expired(Reservation)
}

/// A product of which there is too little.
package struct Shortage: Sendable, Hashable {
  package let productId: UUID
  package let requested: Int
  package let available: Int

  package init(productId: UUID, requested: Int, available: Int) {
    self.productId = productId
    self.requested = requested
    self.available = available
  }
}
