import Seams
import ServiceKit

/// The inventory as a whole.
struct InventoryStats: Sendable, Hashable {
  var products: Int
  var quantity: Int
  var reserved: Int
  var soldOut: Int
  var pendingReservations: Int
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
