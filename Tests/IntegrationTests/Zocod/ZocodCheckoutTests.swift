import FoundationEssentials
import HTTPLive
import Seams
import ServiceKit
import Testing

/// All services as processes, from empty databases to an order that is confirmed.
@Suite("zocod sells", .serialized, .timeLimit(.minutes(2)))
struct ZocodCheckoutTests {
  private static func settings(of database: LiveDatabase) throws -> [String: String] {
    try database.zocodSettings.merging([
      "ORDERS_HOST": "127.0.0.1", "ORDERS_PORT": "0", "SERVICE_TOKEN": LiveShop.secret.value, "LOG_LEVEL": "info",
      "RABBITMQ_URL": try LiveBroker.url(),
    ]) { $1 }
  }

  /// Migrates and seeds the database of a service.
  private static func prepare(_ service: String, _ database: LiveDatabase) async throws {
    for arguments in [["migrate", "up"], ["seed", "--products", "2"]] {
      let end = try await ZocodProcess.run(
        arguments + ["--service", service], settings: settings(of: database))
      #expect(end.status == 0, "\(arguments): \(end.log)")
    }
  }

  /// Runs `body` with a customer of orders, which runs beside inventory and payments; then all three end as they should.
  private static func serving(
    _ stock: LiveDatabase, _ orders: LiveDatabase, _ body: (LiveCustomer) async throws -> Void
  ) async throws {
    let transport = LiveHTTPTransport(clock: orders.clock)
    let outcome: Result<Void, any Error>
    do {
      let paymentsSettings = ["PAYMENTS_HOST": "127.0.0.1", "PAYMENTS_PORT": "0"]
      try await ZocodProcess.serving("payments", settings: paymentsSettings) { payments, paymentsAddress in
        try await ZocodProcess.serving(settings: settings(of: stock)) { inventory, inventoryAddress in
          let ordersSettings = try settings(of: orders).merging([
            "INVENTORY_SERVICE_URL": "http://\(inventoryAddress)", "PAYMENTS_SERVICE_URL": "http://\(paymentsAddress)",
          ]) { $1 }
          try await ZocodProcess.serving("orders", settings: ordersSettings) { process, address in
            try await body(
              LiveCustomer(
                client: LiveClient(transport: transport, authority: "\(address)"), userId: "customer",
                secret: LiveShop.secret))
            for process in [process, inventory, payments] {
              process.terminate()
              let end = await process.end()
              #expect(end.status == 0 && !end.mentions(LiveShop.secret.value), "\(end.log)")
            }
          }
        }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await transport.shutdown()
    try outcome.get()
  }

  @Test func anOrderIsConfirmedAndItsEventsReachWhoeverListens() async throws {
    try await LiveDatabase.with { stock in
      try await LiveDatabase.with { orders in
        try await Self.prepare("inventory", stock)
        try await Self.prepare("orders", orders)
        let log = try await EventLog.open()
        var id: UUID?
        try await Self.serving(stock, orders) { customer in
          let order = try customer.accepted(try await customer.order([SeedProducts.id(1), SeedProducts.id(2)]))
          id = order
          let answer = try await customer.read(order, wait: 20)
          #expect(answer.json["status"]?.string == "CONFIRMED", "\(answer.json)")
          #expect(try await customer.buy([SeedProducts.id(1)], token: "tok_declined") == "FAILED payment_declined")
        }
        // What the processes had not published when they were told to end they have published before they ended.
        let told = try await log.events().filter { $0.subject == id?.canonicalText }
        #expect(told.map(\.type) == ["OrderCreated", "OrderConfirmed"])
        #expect(told.allSatisfy { $0.source == "urn:zoco:orders" })
        try await log.close()
        #expect(try await orders.count("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0)
        #expect(try await stock.count("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0)
        #expect(try await stock.count("SELECT sum(quantity) FROM inventory_items") == 1_998)
        #expect(try await stock.discrepancies() == [])
      }
    }
  }
}
