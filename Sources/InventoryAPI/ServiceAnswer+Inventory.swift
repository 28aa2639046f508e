import FoundationEssentials
import ServiceKit

/// What the inventory's answers hold. Each throws the problem with an answer that lacks it.
extension ServiceAnswer {
  /// A reservation, which must be the one that was asked for and in one of `states`.
  func reservation(
    id: UUID? = nil, orderId: UUID? = nil, states: [InventoryReservation.Status]
  ) throws(Problem) -> InventoryReservation {
    let reader = try reader()
    let reservation = InventoryReservation(
      id: reader.uuid("reservationId"), orderId: reader.uuid("orderId"), status: reader.status("status", of: states),
      expiresAt: reader.timestamp("expiresAt"),
      lines: reader.objects("items", count: 0...50) { item in
        InventoryLine(productId: item.uuid("productId"), quantity: item.integer("quantity", in: 1...1000))
      })
    if let id, reservation.id != id { reader.fail("reservationId", "expected the one that was asked for") }
    if let orderId, reservation.orderId != orderId { reader.fail("orderId", "expected the one that was asked for") }
    try reader.finish()
    return reservation
  }

  /// What an answer to a release means.
  func released(id: UUID?, orderId: UUID?) throws(Problem) -> ServiceCall<ReleaseResult>.Meaning {
    switch (status, code) {
    case (200, _): .done(.ended(try reservation(id: id, orderId: orderId, states: [.released, .expired])))
    case (409, "reservation_not_pending"): try confirmed()
    default: .unknown
    }
  }

  private func confirmed() throws(Problem) -> ServiceCall<ReleaseResult>.Meaning {
    guard try finalState() == .confirmed else {
      throw .validationFailed("reservationStatus", "expected \"confirmed\", which alone cannot be released")
    }
    return .refused(.confirmed)
  }

  /// The state that a reservation has ended in.
  func finalState() throws(Problem) -> InventoryReservation.Status {
    let reader = try reader()
    let status = reader.status("reservationStatus", of: [.confirmed, .released, .expired])
    try reader.finish()
    return status
  }

  /// The products that do not exist.
  func missingProducts() throws(Problem) -> [UUID] {
    let reader = try reader()
    let ids = reader.uuids("productIds", count: 1...50)
    try reader.finish()
    return ids
  }

  /// What there is too little of.
  func shortages() throws(Problem) -> [StockShortage] {
    let reader = try reader()
    let shortages = reader.objects("shortages", count: 1...50) { item in
      StockShortage(
        productId: item.uuid("productId"), requested: item.integer("requested", in: 1...1000),
        available: item.integer("available", in: 0...999))
    }
    try reader.finish()
    return shortages
  }
}

extension ObjectReader {
  /// The stock of one of `ids`.
  func stockLevel(among ids: [UUID]) -> StockLevel {
    let id = uuid("productId")
    if !ids.contains(id) { fail("productId", "expected one that was asked for") }
    let quantity = integer("quantity", in: 0...1_000_000_000)
    return StockLevel(
      productId: id, quantity: quantity, reserved: integer("reserved", in: 0...quantity),
      version: integer("version", in: 1...Int.max))
  }

  fileprivate func status(
    _ name: String, of states: [InventoryReservation.Status]
  ) -> InventoryReservation.Status {
    InventoryReservation.Status(rawValue: choice(name, of: states.map(\.rawValue))) ?? .pending
  }
}
