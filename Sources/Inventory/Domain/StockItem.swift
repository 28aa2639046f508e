package import FoundationEssentials

/// The stock of one product, as its row says.
package struct StockItem: Sendable, Hashable {
  /// The product.
  package let productId: UUID
  /// Units on hand.
  package var quantity: Int
  /// Units of these promised to pending reservations.
  package var reserved: Int
  /// Rises with every change of the row.
  package var version: Int

  /// The stock of `productId`.
  package init(productId: UUID, quantity: Int, reserved: Int, version: Int) {
    precondition(0 <= reserved && reserved <= quantity, "oversold: \(reserved) of \(quantity) of \(productId)")
    self.productId = productId
    self.quantity = quantity
    self.reserved = reserved
    self.version = version
  }

  /// Units that may still be reserved.
  package var available: Int { quantity - reserved }
}
