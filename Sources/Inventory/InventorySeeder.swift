package import FoundationEssentials
package import Seams
import ServiceKit

/// Creates the products of a demonstration or a benchmark, the same ids every time.
package struct InventorySeeder: Sendable {
  /// What a run did.
  package struct Result: Sendable, Hashable {
    /// Products that were created.
    package var created: Int
    /// Products that were there already, which are left as they are.
    package var existing: Int
  }

  private let database: InventoryDatabase
  private let count: Int
  private let quantity: Int

  /// A seeder of `count` products with `quantity` units each.
  package init(database: InventoryDatabase, count: Int = 100, quantity: Int = 1_000) {
    precondition(count >= 1 && InventoryLimits.stockQuantity.contains(quantity), "nothing to seed")
    self.database = database
    self.count = count
    self.quantity = quantity
  }

  /// The id of the product `number`, from 1: see `SeedProducts`.
  package static func productId(_ number: Int) -> UUID { SeedProducts.id(number) }

  /// Creates what is missing, in one transaction. Repeating it does nothing.
  ///
  /// - Throws: `SQLError`.
  package func seed(deadline: MonotonicInstant) async throws -> Result {
    let ids = (1...count).map(SeedProducts.id)
    let quantities = Array(repeating: quantity, count: count)
    return try await database.transaction(deadline: deadline) { connection, _ in
      let answers = try await connection.executeBatch(
        [TransactionSQL.begin, StockSQL.insertItems(productIds: ids, quantities: quantities)], deadline: deadline)
      let created: [UUID] = try answers[1].rows.map { try $0.decode("product_id") }
      _ = try await connection.executeBatch(
        [
          StockSQL.insertMovements(
            productIds: created, deltas: Array(repeating: quantity, count: created.count), reason: .initial,
            ref: "seed"), TransactionSQL.commit,
        ], deadline: deadline)
      return Result(created: created.count, existing: count - created.count)
    }
  }
}
