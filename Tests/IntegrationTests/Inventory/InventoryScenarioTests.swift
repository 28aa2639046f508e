import Checkers
import FoundationEssentials
import HTTPTypes
import Seams
import ServiceKit
import Testing

/// The simulated scenarios again with real concurrency: two instances behind sockets, on PostgreSQL.
@Suite("Inventory scenarios over HTTP on PostgreSQL", .timeLimit(.minutes(1)))
struct InventoryScenarioTests {
  @Test("last-item: of a hundred clients one gets it", arguments: [1, 2])
  func theLastItemIsSoldOnce(instances: Int) async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database, instances: instances) { inventory in
        let product = try await inventory.seed(products: 1, quantity: 1)[0]
        let answers = try await inventory.atOnce(100) { client, _ in try await client.reserve([product]) }
        #expect(answers.tally == ["200": 1, "409 insufficient_stock": 99])
        for answer in answers where answer.status == 409 {
          let shortage = answer.json["shortages"]?[0]
          #expect(shortage?["productId"]?.string?.lowercased() == product.uuidString.lowercased())
          #expect(shortage?["requested"]?.integer == 1 && shortage?["available"]?.integer == 0)
        }
      }
      #expect(try await database.count("SELECT reserved FROM inventory_items") == 1)
      #expect(try await database.count("SELECT quantity FROM inventory_items") == 1)
      #expect(try await database.count("SELECT count(*) FROM reservations") == 1)
    }
  }

  @Test("stale-version: of two writers of a version one wins, and the other learns which version beat it")
  func aStaleVersionIsRefused() async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database, instances: 2) { inventory in
        let product = try await inventory.seed(products: 1, quantity: 100)[0]
        let reads = try await inventory.atOnce(2) { client, _ in try await client.perform(.readItem(productId: product))
        }
        #expect(reads.allSatisfy { $0.json["version"]?.integer == 1 && $0.fields[.eTag] == "\"1\"" })

        let writes = try await inventory.atOnce(2) { client, number in
          try await client.perform(.put(productId: product, quantity: 200 + number, version: 1))
        }
        #expect(writes.tally == ["200": 1, "409 version_conflict": 1])
        #expect(writes.first { $0.status == 200 }?.json["version"]?.integer == 2)
        #expect(writes.first { $0.status == 409 }?.json["currentVersion"]?.integer == 2)

        let late = try await inventory.clients[1].perform(.put(productId: product, quantity: 300, version: 1))
        #expect(late.outcome == "409 version_conflict" && late.json["currentVersion"]?.integer == 2)
        let stored = try await inventory.clients[0].perform(.readItem(productId: product))
        #expect(stored.json["quantity"]?.integer == writes.first { $0.status == 200 }?.json["quantity"]?.integer)
      }
    }
  }

  @Test("expiry: the units of ten expired reservations come back, once, however many jobs run", arguments: [1, 8])
  func expiredReservationsReturnTheirUnitsOnce(jobs: Int) async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database, instances: 2) { inventory in
        let product = try await inventory.seed(products: 1, quantity: 50)[0]
        let kept = try await inventory.clients[0].reserve([product], ttlSeconds: 60)
        let due = try await inventory.atOnce(10) { client, _ in try await client.reserve([product], ttlSeconds: 1) }
        #expect(due.tally == ["200": 10] && kept.status == 200)
        let early = try await inventory.clients[0].perform(.readItem(productId: product))
        #expect(early.json["reserved"]?.integer == 11)

        try await database.clock.sleep(for: .seconds(2))
        let runs = try await inventory.atOnce(jobs) { client, _ in try await client.perform(.expire) }
        #expect(runs.tally == ["200": jobs])
        #expect(runs.reduce(0) { $0 + ($1.json["expired"]?.integer ?? 0) } == 10)
        #expect(runs.reduce(0) { $0 + ($1.json["unitsReturned"]?.integer ?? 0) } == 10)

        let after = try await inventory.clients[1].perform(.readItem(productId: product))
        #expect(after.json["reserved"]?.integer == 1 && after.json["quantity"]?.integer == 50)
        let confirms = try await inventory.atOnce(10) { client, number in
          try await client.perform(.confirm(reservationId: #require(due[number].reservationId)))
        }
        #expect(confirms.tally == ["410 reservation_expired": 10])
      }
      let released: SQLStatement = "SELECT count(*) FROM outbox WHERE type = 'InventoryReleased'"
      #expect(try await database.count(released) == 10)
    }
  }
}
