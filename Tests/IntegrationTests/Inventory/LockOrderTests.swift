import Checkers
import FoundationEssentials
import Scenarios
import Seams
import SeamsLive
import Testing

/// opposite-order: orders of A,B against orders of B,A at the same time, on several instances.
@Suite("Lock order over HTTP on PostgreSQL", .timeLimit(.minutes(2)))
struct LockOrderTests {
  private static let orders = 200

  /// Reserves, and then confirms or releases, orders of the same products in both directions, all at once.
  private static func play(_ inventory: LiveInventory, _ products: [UUID]) async throws -> [LiveAnswer] {
    try await inventory.atOnce(orders) { client, number in
      let reserved = try await client.reserve(number.isMultiple(of: 2) ? products : products.reversed())
      guard let id = reserved.reservationId else { return reserved }
      return try await client.perform(
        number % 4 < 2 ? .confirm(reservationId: id) : .release(reservationId: id))
    }
  }

  /// Reserves for a new order, and asks again where the service gave up (503) after deadlocks of its own retries: how
  /// often it is the victim depends on the machine, that asking again resolves it does not.
  private static func reserve(_ products: [UUID], _ client: LiveClient) async throws -> LiveAnswer {
    let order = UUID()
    var answer = try await client.reserve(products, order: order)
    for _ in 1..<20 where answer.outcome == "503 upstream_unavailable" {
      answer = try await client.reserve(products, order: order)
    }
    return answer
  }

  @Test func ordersInOppositeDirectionsNeverDeadlock() async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database, instances: 4) { inventory in
        let products = try await inventory.seed(products: 2, quantity: 1000)
        let start = database.clock.now
        let answers = try await Self.play(inventory, products)
        let resolved = start.duration(to: database.clock.now)
        #expect(answers.tally == ["200": Self.orders])
        print("opposite-order: \(Self.orders) orders, reserved and ended, resolved in \(resolved.inMilliseconds) ms")
      }
      #expect(try await database.deadlocks() == 0)
      #expect(try await database.count("SELECT sum(quantity)::int8 FROM inventory_items") == 2000 - Self.orders)
      #expect(try await database.count("SELECT sum(reserved)::int8 FROM inventory_items") == 0)
    }
  }

  @Test func withoutTheLockOrderDeadlocksAppearAreRetriedAndResolve() async throws {
    try await LiveDatabase.with { database in
      // Looked for before the service's own limit on a lock's wait (250 ms) ends the wait.
      try await database.rows(SQLStatement(trusted: "ALTER DATABASE \(database.name) SET deadlock_timeout = '10ms'"))
      // Without ORDER BY all would lock in the order of the heap, which is one order too.
      let sabotage = RewritingConnector(
        database.connector,
        StatementRewrite(
          in: "transaction_time FROM inventory_items", replace: " ORDER BY product_id FOR NO KEY UPDATE",
          with: " ORDER BY random() FOR NO KEY UPDATE"))
      try await LiveInventory.run(on: database, instances: 4, through: sabotage) { inventory in
        let products = try await inventory.seed(products: 50, quantity: 100_000)
        let start = database.clock.now
        var rounds = 0
        repeat {
          rounds += 1
          let answers = try await inventory.atOnce(40) { client, _ in try await Self.reserve(products, client) }
          #expect(answers.tally == ["200": 40])
        } while sabotage.deadlocks == 0 && rounds < 50
        let resolved = start.duration(to: database.clock.now)
        print(
          "opposite-order without the lock order: \(sabotage.deadlocks) deadlocks in \(rounds) rounds of 40 orders, "
            + "resolved in \(resolved.inMilliseconds) ms")
      }
      #expect(sabotage.rewritten > 0)
      #expect(sabotage.deadlocks > 0)
      #expect(try await database.deadlocks() == sabotage.deadlocks)
    }
  }
}

extension Duration {
  /// In whole milliseconds.
  fileprivate var inMilliseconds: Int64 { nanosecondsClamped / 1_000_000 }
}
