package import Seams
import ServiceKit

/// Creates the catalogue of a demonstration or a benchmark: the products that the inventory's seeder puts in stock.
package struct OrdersSeeder: Sendable {
  /// What a run did.
  package struct Result: Sendable, Hashable {
    /// Products that were created.
    package var created: Int
    /// Products that were there already, which are left as they are.
    package var existing: Int
  }

  private let database: OrdersDatabase
  private let count: Int

  /// A seeder of `count` products.
  package init(database: OrdersDatabase, count: Int = 100) {
    precondition(count >= 1, "nothing to seed")
    self.database = database
    self.count = count
  }

  /// Creates what is missing. Repeating it does nothing.
  ///
  /// - Throws: `SQLError`.
  package func seed(deadline: MonotonicInstant) async throws -> Result {
    let products = (1...count).compactMap { number in
      Money(amount: 990 + number % 50 * 100, currency: "EUR").map {
        Product(id: SeedProducts.id(number), name: "Product \(number)", price: $0)
      }
    }
    let created = try await database.read([ProductSQL.insert(products)], deadline: deadline)[0].count
    return Result(created: created, existing: count - created)
  }
}
