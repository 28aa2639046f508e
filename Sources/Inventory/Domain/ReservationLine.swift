package import FoundationEssentials

/// One line of a reservation: so many units of one product.
package struct ReservationLine: Sendable, Hashable {
  /// The product.
  package let productId: UUID
  /// Units, 1 to 1000.
  package let quantity: Int

  /// A line of `quantity` units; `nil` when that is not 1 to 1000.
  package init?(productId: UUID, quantity: Int) {
    guard InventoryLimits.lineQuantity.contains(quantity) else { return nil }
    self.productId = productId
    self.quantity = quantity
  }
}

/// The lines of one reservation: 1 to 50, no product twice, in the order of their product ids.
///
/// The order is canonical, so that two requests with the same lines compare equal however they were written, and it
/// is the order in which item rows are locked.
package struct ReservationLines: Sendable, Hashable {
  /// The lines, by product id.
  package let lines: [ReservationLine]

  /// The lines in canonical order; `nil` when there are none, more than 50, or a product comes twice.
  package init?(_ lines: [ReservationLine]) {
    guard InventoryLimits.lines.contains(lines.count) else { return nil }
    let sorted = lines.count == 1 ? lines : lines.sorted { $0.productId < $1.productId }
    for index in sorted.indices.dropFirst() where sorted[index - 1].productId == sorted[index].productId {
      return nil
    }
    self.lines = sorted
  }

  /// The units of all lines together.
  package var units: Int { lines.reduce(0) { $0 + $1.quantity } }
}
