package import FoundationEssentials

/// What became of ``InventoryClient/reserve(orderId:lines:ttlSeconds:context:)``.
package enum ReserveResult: Sendable, Hashable {
  /// The order holds this reservation, made now or by an earlier request; it may have been confirmed since.
  case reserved(InventoryReservation)
  /// 404: products that do not exist. `isConclusive`: no attempt of this call reserved anything, or still may.
  case productsNotFound([UUID], isConclusive: Bool)
  /// 409: there is too little of some products. `isConclusive`: no attempt of this call reserved anything, or still may.
  case insufficientStock([StockShortage], isConclusive: Bool)
  /// 409: the order's reservation has ended in another state, perhaps before this request arrived.
  case notPending(InventoryReservation.Status)
  /// 410: the order's reservation expired.
  case expired
  /// 422: the order has a reservation with other lines.
  case otherLines
}

/// What became of ``InventoryClient/confirm(reservationId:context:)``.
package enum ConfirmResult: Sendable, Hashable {
  /// It is confirmed, now or before.
  case confirmed(InventoryReservation)
  /// 404: there is no such reservation.
  case notFound
  /// 409: it has ended in another state.
  case notPending(InventoryReservation.Status)
  /// 410: its time ran out, and its stock was returned.
  case expired
}

/// What became of a release.
package enum ReleaseResult: Sendable, Hashable {
  /// It holds nothing any more: it is released or expired, now or before.
  case ended(InventoryReservation)
  /// 404: there is no such reservation.
  case notFound
  /// 409: it was confirmed, and its units have left.
  case confirmed
}

/// What became of ``InventoryClient/create(productId:quantity:context:)``.
package enum CreateStockResult: Sendable, Hashable {
  /// The product was created.
  case created(StockLevel)
  /// 409: the product is there, at this version.
  case exists(version: Int)
}
