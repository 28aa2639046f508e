import FoundationEssentials
import HTTPTypes
import Inventory
import Seams
import ServiceKit
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct StockTests {
  @Test func versionZeroCreatesAProductOnce() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      let created = try await clients[0].put(1, quantity: 5)
      check(created.status == 201)
      check(created.headers[.location] == "/inventory/\(product(1).canonicalText)")
      let read = try await clients[0].stock(1)
      check(read.status == 200 && read.json == created.json)
      check(read.headers[.eTag] == "\"1\"")
      check(read.int("quantity") == 5 && read.int("reserved") == 0 && read.int("available") == 5)
      let again = try await clients[0].put(1, quantity: 7)
      check(again.status == 409 && again.code == "version_conflict" && again.int("currentVersion") == 1)
    }
    #expect(bench.eventTypes() == ["StockReplenished"])
  }

  @Test func theSecondOfTwoWritersOfOneVersionIsRefused() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 5)
      async let first = clients[0].put(1, quantity: 6, version: 1)
      async let second = clients[1].put(1, quantity: 7, version: 1)
      let answers = try await [first, second].sorted { $0.status < $1.status }
      check(answers.map(\.status) == [200, 409])
      check(answers[1].code == "version_conflict" && answers[1].int("currentVersion") == 2)
      let read = try await clients[0].stock(1)
      check(read.int("quantity") == answers[0].int("quantity") && read.int("version") == 2)
    }
  }

  @Test func anUpdateWhoseAnswerWasLostTellsOfItselfAndNotOfTheNextChange() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 5)
      let reservation = try await clients[1].reserve(1, [line(1, 1)]).reservationId
      let process = clients[0].process
      let holder = try await bench.server.connector(for: process).connect(deadline: .distantFuture)
      _ = try await holder.executeBatch(
        ["BEGIN", "SELECT 1 FROM inventory_items FOR UPDATE"], deadline: .distantFuture)
      async let put = clients[0].put(1, quantity: 8, version: 2)
      while bench.server.waits().isEmpty { try await process.clock.sleep(for: .milliseconds(1)) }
      // The next commit is the update's.
      bench.server.faults.loseCommitAnswerCommitted = 1
      bench.server.onCommit { record in
        guard !record.changes.isEmpty, bench.server.faults.loseCommitAnswerCommitted > 0 else { return }
        bench.server.faults.loseCommitAnswerCommitted = 0
        // The service cannot look for what it did before another has changed the product.
        bench.server.faults.refuseConnections = 1
      }
      holder.close()
      while bench.server.faults.refuseConnections == 0 { try await process.clock.sleep(for: .microseconds(10)) }
      try await check(clients[1].confirm(reservation).status == 200)
      bench.server.faults.refuseConnections = 0
      let answer = try await put
      check(answer.status == 200 && answer.int("version") == 3, answer.text)
      check(answer.int("quantity") == 8 && answer.int("reserved") == 1, answer.text)
      let read = try await clients[0].stock(1)
      check(read.int("quantity") == 7 && read.int("reserved") == 0 && read.int("version") == 4)
    }
  }

  @Test func aQuantityIsNotSetBelowWhatIsReserved() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 5)
      _ = try await clients[0].reserve(1, [line(1, 3)])
      let below = try await clients[0].put(1, quantity: 2, version: 2)
      check(below.status == 409 && below.code == "quantity_below_reserved")
      let exact = try await clients[0].put(1, quantity: 3, version: 2)
      check(exact.status == 200 && exact.int("available") == 0 && exact.int("version") == 3)
    }
    #expect(bench.eventTypes() == ["StockReplenished", "InventoryReserved", "StockDepleted"])
  }

  @Test func anUnknownProductIsNotFound() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      let answers = [
        try await clients[0].stock(1), try await clients[0].put(1, quantity: 5, version: 1),
        try await clients[0].replenish(1, quantity: 1, key: "k"), try await clients[0].reserve(1, [line(1, 1)]),
      ]
      check(answers.allSatisfy { $0.status == 404 && $0.code == "product_not_found" })
    }
  }

  @Test func manyProductsAreReadAtOnceAndUnknownOnesLeftOut() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      for number in 1...3 { _ = try await clients[0].put(number, quantity: number) }
      let ids = [3, 9, 1].map { product($0).canonicalText }.joined(separator: ",")
      let answer = try await clients[0].send(.get, "/inventory?ids=\(ids)")
      guard case .array(let items) = answer.json["items"] else { return check(false, "\(answer)") }
      check(items.compactMap { $0["productId"]?.string } == [product(1), product(3)].map(\.canonicalText))
    }
  }

  @Test func replenishingTwiceWithOneKeyAddsOnce() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 5)
      async let one = clients[0].replenish(1, quantity: 10, key: "k")
      async let two = clients[1].replenish(1, quantity: 10, key: "k")
      let answers = try await [one, two]
      check(answers.allSatisfy { $0.status == 200 && $0.int("quantity") == 15 && $0.int("version") == 2 })
      check(answers.filter { $0.headers[HTTPField.Name("Idempotency-Replayed")!] == "true" }.count == 1)
      let other = try await clients[0].replenish(1, quantity: 11, key: "k")
      check(other.status == 422 && other.code == "idempotency_key_reused")
      let elsewhere = try await clients[0].replenish(2, quantity: 10, key: "k")
      check(elsewhere.status == 422)
    }
    #expect(bench.eventTypes() == ["StockReplenished", "StockReplenished"])
  }

  @Test func aRefusedReplenishmentDoesNotKeepItsKey() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      try await check(clients[0].replenish(1, quantity: 1, key: "k").status == 404)
      _ = try await clients[0].put(1, quantity: 1_000_000_000 - 5)
      let tooMuch = try await clients[0].replenish(1, quantity: 6, key: "k")
      check(tooMuch.status == 400 && tooMuch.fields == ["quantity"])
      try await check(clients[0].replenish(1, quantity: 5, key: "k").status == 200)
    }
  }

  @Test func aKeyWhoseFirstRequestIsUnderWayIsInUseAfterFiveSeconds() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 5)
      let rival = try await bench.server.connector(for: clients[0].process).connect(deadline: .distantFuture)
      _ = try await rival.executeBatch(
        [
          "BEGIN",
          """
          INSERT INTO idempotency_keys (operation, key, request_hash, status, response)
          VALUES ('replenish', 'k', '\\x00'::bytea, 0, '')
          """,
        ], deadline: .distantFuture)
      let start = clients[0].process.clock.now
      let answer = try await clients[0].replenish(1, quantity: 1, key: "k")
      check(answer.status == 409 && answer.code == "idempotency_key_in_use")
      let waited = start.duration(to: clients[0].process.clock.now)
      check(waited >= .seconds(5) && waited < .milliseconds(5_100))
      rival.close()
    }
  }

  @Test func aggregationsRankTheProducts() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      for number in 1...4 { _ = try await clients[0].put(number, quantity: number * 10) }
      _ = try await clients[0].reserve(1, [line(1, 10), line(2, 15), line(4, 3)])
      let low = try await clients[0].send(.get, "/inventory/low-stock?threshold=5")
      check(low.json["items"]?[0]?["productId"]?.string == product(1).canonicalText)
      check(low.json["items"]?[1]?["productId"]?.string == product(2).canonicalText)
      check(low.json["items"]?[2] == nil)
      let most = try await clients[0].send(.get, "/inventory/most-reserved?limit=2")
      check(most.json["items"]?[0]?["productId"]?.string == product(2).canonicalText)
      check(most.json["items"]?[1]?["productId"]?.string == product(1).canonicalText)
      let stats = try await clients[0].send(.get, "/inventory/stats")
      check(stats.int("products") == 4 && stats.int("quantity") == 100 && stats.int("reserved") == 28)
      check(stats.int("available") == 72 && stats.int("soldOut") == 1 && stats.int("pendingReservations") == 1)
    }
  }

  @Test func seedingTwiceCreatesOnce() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      let seeder = InventorySeeder(database: clients[0].service.database)
      let first = try await seeder.seed(deadline: .distantFuture)
      check(first.created == 100 && first.existing == 0)
      let second = try await seeder.seed(deadline: .distantFuture)
      check(second.created == 0 && second.existing == 100)
      try await check(clients[0].stock(100).int("quantity") == 1_000)
    }
    #expect(InventorySeeder.productId(100).canonicalText == "20c00000-0000-8000-8000-000000000064")
  }
}
