import ArgumentParser
import Inventory
import ServiceKit

/// `zocod seed`: products to play with.
struct SeedCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Create 100 products, with the same ids every time. Repeating it changes nothing.",
    discussion: """
      The product NUMBER has the id 20c00000-0000-8000-8000-NUMBER, in 12 hexadecimal digits.

      Example:
        zocod seed --products 1000 --quantity 50
      """)

  @Option(help: "How many products.")
  var products = 100

  @Option(help: "Units of each product on hand.")
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
      try await runtime.requireMigrations()
      var options = runtime.configuration.poolOptions
      options.size = 1
      let pool = SQLPool(connector: runtime.connector, environment: runtime.environment, options: options)
      let database = InventoryDatabase(pool: pool, environment: runtime.environment)
      let seeder = InventorySeeder(database: database, count: products, quantity: quantity)
      let result = try await seeder.seed(deadline: runtime.deadline(in: .seconds(60)))
      await pool.shutdown(deadline: runtime.deadline(in: .seconds(5)))
      print("created \(result.created) \(result.created == 1 ? "product" : "products"), \(result.existing) were there")
    }
  }
}
