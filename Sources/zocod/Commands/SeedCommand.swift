import ArgumentParser
import Inventory
import Orders
import ServiceKit

/// `zocod seed`: products to play with.
struct SeedCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Create 100 products, with the same ids every time. Repeating it changes nothing.",
    discussion: """
      The product NUMBER has the id 20c00000-0000-8000-8000-NUMBER, in 12 hexadecimal digits.

      Examples:
        zocod seed --products 1000 --quantity 50
        DATABASE_URL=postgresql://zoco@localhost/orders zocod seed --service orders
      """)

  @OptionGroup var database: DatabaseOption

  @Option(help: "How many products.")
  var products = 100

  @Option(help: "Units of each product on hand, for the inventory.")
  var quantity = 1000

  func validate() throws {
    guard (1...10_000).contains(products) else { throw ValidationError("--products takes a number from 1 to 10000") }
    guard (1...1_000_000).contains(quantity) else {
      throw ValidationError("--quantity takes a number from 1 to 1000000")
    }
  }

  func run() async throws {
    try await Exit.explaining {
      let runtime = try Runtime(label: "seed")
      try await runtime.requireMigrations(of: database.service)
      var options = runtime.configuration.poolOptions
      options.size = 1
      let pool = SQLPool(connector: runtime.connector, environment: runtime.environment, options: options)
      let result = try await seed(pool, runtime)
      await pool.shutdown(deadline: runtime.deadline(in: .seconds(5)))
      print("created \(result.created) \(result.created == 1 ? "product" : "products"), \(result.existing) were there")
    }
  }

  private func seed(_ pool: SQLPool, _ runtime: Runtime) async throws -> (created: Int, existing: Int) {
    let deadline = runtime.deadline(in: .seconds(60))
    switch database.service {
    case .inventory:
      let seeder = InventorySeeder(
        database: InventoryDatabase(pool: pool, environment: runtime.environment), count: products,
        quantity: quantity)
      let result = try await seeder.seed(deadline: deadline)
      return (result.created, result.existing)
    case .orders:
      let seeder = OrdersSeeder(
        database: OrdersDatabase(pool: pool, environment: runtime.environment), count: products)
      let result = try await seeder.seed(deadline: deadline)
      return (result.created, result.existing)
    }
  }
}
