import FoundationEssentials
import HTTPLive
import Inventory
import NIOCore
import Seams
import ServiceKit
import Testing

/// The products of orders in the inventory: seeded on both sides, or copied from one to the other.
@Suite("zocod seeds and syncs the products of both services", .timeLimit(.minutes(2)))
struct ZocodSyncTests {
  private static let token = "a secret of services"

  private static func settings(of database: LiveDatabase) throws -> [String: String] {
    try database.zocodSettings.merging([
      "ORDERS_HOST": "127.0.0.1", "ORDERS_PORT": "0", "SERVICE_TOKEN": token, "LOG_LEVEL": "info",
    ]) { $1 }
  }

  private static func run(_ arguments: String..., on database: LiveDatabase) async throws {
    let end = try await ZocodProcess.run(arguments, settings: settings(of: database))
    #expect(end.status == 0, "\(arguments): \(end.log)")
  }

  /// Runs `body` with two databases: the inventory's, without a product, and that of orders, with a hundred.
  private func databases(_ body: (_ stock: LiveDatabase, _ orders: LiveDatabase) async throws -> Void) async throws {
    try await LiveDatabase.with { stock in
      try await LiveDatabase.with { orders in
        try await Self.run("migrate", "up", on: stock)
        try await Self.run("migrate", "up", "--service", "orders", on: orders)
        try await Self.run("seed", "--service", "orders", on: orders)
        try await body(stock, orders)
      }
    }
  }

  private static let stocked: SQLStatement = "SELECT product_id AS id FROM inventory_items ORDER BY product_id"
  private static let listed: SQLStatement = "SELECT id FROM products ORDER BY id"

  @Test func bothSeedsMakeTheSameHundredProducts() async throws {
    try await databases { stock, orders in
      try await Self.run("seed", on: stock)
      let ids = try await stock.rows(Self.stocked).map(\.values)
      #expect(ids.count == 100)
      #expect(try await orders.rows(Self.listed).map(\.values) == ids)
    }
  }

  @Test func aSyncCreatesWhatIsMissingAndASecondOneFindsIt() async throws {
    try await databases { stock, orders in
      try await ZocodProcess.serving(settings: Self.settings(of: stock)) { _, inventory in
        try await ZocodProcess.serving("orders", settings: Self.settings(of: orders)) { _, catalogue in
          let settings = [
            "ORDERS_SERVICE_URL": "http://\(catalogue)", "INVENTORY_SERVICE_URL": "http://\(inventory)",
            "SERVICE_TOKEN": Self.token,
          ]
          let product = SeedProducts.id(3)
          try await stock.rows("INSERT INTO inventory_items (product_id, quantity) VALUES (\(product), 5)")
          for (arguments, output) in [
            (["--dry-run"], "99 would be created, 1 existing, 0 failed"),
            (["--quantity", "12"], "99 created, 1 existing, 0 failed"),
            (["--quantity", "12"], "0 created, 100 existing, 0 failed"),
          ] {
            let end = try await ZocodProcess.run(["sync"] + arguments, settings: settings)
            #expect(end.status == 0 && end.lines == [output], "\(end.output) \(end.log)")
            let lines = try end.log.split(separator: "\n").map { try StrictJSON.parse(ByteBuffer(string: String($0))) }
            #expect(Set(lines.map { $0["metadata"]?["product"]?.string }).count == 100 && lines.count == 100)
          }
          #expect(try await stock.rows(Self.stocked).map(\.values) == orders.rows(Self.listed).map(\.values))
          #expect(try await stock.count("SELECT count(*) FROM inventory_items WHERE quantity = 12") == 99)
        }
      }
    }
  }

  @Test func aServiceThatIsNotThereOrATokenThatIsWrongIsOneAndSaysSo() async throws {
    try await databases { _, orders in
      try await ZocodProcess.serving("orders", settings: Self.settings(of: orders)) { _, catalogue in
        for (url, token, reason) in [
          ("http://127.0.0.1:1", Self.token, "connect_failed"), ("http://\(catalogue)", "not what it should be", "401"),
        ] {
          let end = try await ZocodProcess.run(
            ["sync"],
            settings: [
              "ORDERS_SERVICE_URL": url, "SERVICE_TOKEN": token, "INVENTORY_SERVICE_RETRY_ATTEMPTS": "0",
            ])
          #expect(end.status == 1 && end.lines == ["0 created, 0 existing, 0 failed"], "\(end.log)")
          #expect(end.log.contains("the catalogue was not read to its end: ") && end.log.contains(reason))
          #expect(!end.mentions(token), "\(end.log)")
        }
      }
    }
  }
}
