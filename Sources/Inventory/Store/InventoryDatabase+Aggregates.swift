import Seams
import ServiceKit

/// The inventory as a whole.
package struct InventoryStats: Sendable, Hashable {
  package var products: Int
  package var quantity: Int
  package var reserved: Int
  /// Products of which nothing is available.
  package var soldOut: Int
  package var pendingReservations: Int

  package init(products: Int, quantity: Int, reserved: Int, soldOut: Int, pendingReservations: Int) {
    self.products = products
    self.quantity = quantity
    self.reserved = reserved
    self.soldOut = soldOut
    self.pendingReservations = pendingReservations
  }
}

extension InventoryDatabase {
  /// Products of which at most `threshold` units are available, the scarcest first.
  func lowStock(threshold: Int, limit: Int, deadline: MonotonicInstant) async throws -> [StockItem] {
    try await read(StockSQL.lowStock(threshold: threshold, limit: limit), deadline: deadline)
      .map { try StockItem(row: $0) }
  }

  /// Products with the most reserved units, the most first.
  func mostReserved(limit: Int, deadline: MonotonicInstant) async throws -> [StockItem] {
    try await read(StockSQL.mostReserved(limit: limit), deadline: deadline).map { try StockItem(row: $0) }
  }

  /// Sums over all products.
  func stats(deadline: MonotonicInstant) async throws -> InventoryStats {
    let answers = try await read([StockSQL.totals, ReservationSQL.pendingCount], deadline: deadline)
    guard let totals = answers[0].first, let pending = answers[1].first else {
      preconditionFailure("an aggregate without GROUP BY has one row")
    }
    return InventoryStats(
      products: try totals.decode("products"), quantity: try totals.decode("quantity"),
      reserved: try totals.decode("reserved"), soldOut: try totals.decode("sold_out"),
      pendingReservations: try pending.decode("pending"))
  }
}
