package import FoundationEssentials
package import Seams

/// So many units of one product.
package struct InventoryLine: Sendable, Hashable {
  /// The product.
  package var productId: UUID
  /// Units, 1 to 1000.
  package var quantity: Int

  /// A line of `quantity` units of `productId`.
  package init(productId: UUID, quantity: Int) {
    self.productId = productId
    self.quantity = quantity
  }
}

/// The stock that one order holds, as the inventory service tells it.
package struct InventoryReservation: Sendable, Hashable {
  /// Where a reservation stands. `pending → confirmed | released | expired`, once.
  package enum Status: String, Sendable, Hashable, CaseIterable {
    case pending, confirmed, released, expired
  }

  /// The reservation's id.
  package var id: UUID
  /// The order it belongs to.
  package var orderId: UUID
  /// Where it stands.
  package var status: Status
  /// When it falls due, by the inventory's clock: never compare it with one's own.
  package var expiresAt: Timestamp
  /// By product id; empty for one that was released before it was made.
  package var lines: [InventoryLine]

  /// A reservation.
  package init(id: UUID, orderId: UUID, status: Status, expiresAt: Timestamp, lines: [InventoryLine]) {
    self.id = id
    self.orderId = orderId
    self.status = status
    self.expiresAt = expiresAt
    self.lines = lines
  }
}

/// Why a caller gives a reservation back.
package enum InventoryReleaseReason: String, Sendable, Hashable, CaseIterable {
  case cancelled
  case paymentFailed = "payment_failed"
  case timeout
  case orphan
}

/// A product of which there is too little.
package struct StockShortage: Sendable, Hashable {
  /// The product.
  package var productId: UUID
  /// Units that were asked for.
  package var requested: Int
  /// Units that there were.
  package var available: Int

  /// `requested` units of `productId` when only `available` were there.
  package init(productId: UUID, requested: Int, available: Int) {
    self.productId = productId
    self.requested = requested
    self.available = available
  }
}

/// The stock of one product, as the inventory service tells it.
package struct StockLevel: Sendable, Hashable {
  /// The product.
  package var productId: UUID
  /// Units on hand.
  package var quantity: Int
  /// Units of these promised to pending reservations.
  package var reserved: Int
  /// Rises with every change.
  package var version: Int

  /// The stock of `productId`.
  package init(productId: UUID, quantity: Int, reserved: Int, version: Int) {
    self.productId = productId
    self.quantity = quantity
    self.reserved = reserved
    self.version = version
  }

  /// Units that may still be reserved.
  package var available: Int { quantity - reserved }
}
