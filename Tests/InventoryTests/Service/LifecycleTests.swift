import FoundationEssentials
import HTTPTypes
import Inventory
import Seams
import ServiceKit
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct LifecycleTests {
  @Test func aConfirmedReservationLetsItsStockLeaveOnce() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 10)
      let id = try await clients[0].reserve(1, [line(1, 4)]).reservationId
      async let first = clients[0].confirm(id)
      async let second = clients[1].confirm(id)
      let answers = try await [first, second]
      check(answers.allSatisfy { $0.status == 200 && $0.string("status") == "confirmed" })
      let stock = try await clients[0].stock(1)
      check(stock.int("quantity") == 6 && stock.int("reserved") == 0 && stock.int("version") == 3)
      let release = try await clients[0].release(id)
      check(release.status == 409 && release.code == "reservation_not_pending")
      try await check(clients[0].release(order: 1).status == 409)
      try await check(clients[0].reserve(1, [line(1, 4)]).string("status") == "confirmed")
    }
    #expect(bench.eventTypes() == ["StockReplenished", "InventoryReserved", "InventoryConfirmed"])
    #expect(bench.server.committedRows(of: "stock_movements").map { $0.int("delta") }.sorted() == [-4, 10])
  }

  @Test func aReleasedReservationReturnsItsStockOnce() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 10)
      let id = try await clients[0].reserve(1, [line(1, 4)]).reservationId
      async let first = clients[0].release(id, reason: "payment_failed")
      async let second = clients[1].release(order: 1, reason: "timeout")
      let answers = try await [first, second]
      check(answers.allSatisfy { $0.status == 200 && $0.string("status") == "released" })
      try await check(clients[0].stock(1).int("available") == 10)
      let confirm = try await clients[0].confirm(id)
      check(confirm.status == 409 && confirm.code == "reservation_not_pending")
      let late = try await clients[0].reserve(1, [line(1, 4)])
      check(late.status == 409 && late.code == "reservation_not_pending")
    }
    #expect(bench.eventTypes() == ["StockReplenished", "InventoryReserved", "InventoryReleased"])
  }

  @Test func anUnknownReservationIsNotFound() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      let id = order(77).canonicalText
      let answers = [
        try await clients[0].confirm(id), try await clients[0].release(id),
        try await clients[0].send(.get, "/inventory/reservations/\(id)"),
      ]
      check(answers.allSatisfy { $0.status == 404 && $0.code == "reservation_not_found" })
    }
  }

  @Test func anOverdueReservationIsExpiredBeforeTheJobSaysSo() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 10)
      let id = try await clients[0].reserve(1, [line(1, 4)], ttl: 1).reservationId
      try await clients[0].process.clock.sleep(for: .seconds(2))
      let confirm = try await clients[0].confirm(id)
      check(confirm.status == 410 && confirm.code == "reservation_expired")
      try await check(clients[0].reserve(1, [line(1, 4)]).status == 410)
      try await check(clients[0].stock(1).int("reserved") == 4)
      let expired = try await clients[0].expire()
      check(expired.int("expired") == 1 && expired.int("unitsReturned") == 4)
      try await check(clients[0].confirm(id).status == 410)
      let release = try await clients[0].release(id)
      check(release.status == 200 && release.string("status") == "expired")
    }
    #expect(bench.eventTypes() == ["StockReplenished", "InventoryReserved", "InventoryReleased"])
  }

  @Test func instancesThatExpireAtOnceReturnEachUnitOnce() throws {
    let bench = try InventoryBench()
    bench.run(instances: 3, configuration: InventoryConfiguration(expiryInterval: .seconds(86_400), expiryBatchSize: 3))
    {
      clients in
      _ = try await clients[0].put(1, quantity: 100)
      for number in 1...10 { _ = try await clients[0].reserve(number, [line(1, number)], ttl: 1) }
      _ = try await clients[0].reserve(11, [line(1, 7)], ttl: 600)
      try await clients[0].process.clock.sleep(for: .seconds(2))
      let units = try await withThrowingTaskGroup(of: Answer.self) { group in
        for client in clients { group.addTask { try await client.expire() } }
        return try await group.reduce(into: 0) { $0 += $1.int("unitsReturned") ?? 0 }
      }
      check(units == 55)
      try await check(clients[0].stock(1).int("reserved") == 7)
      try await check(clients[0].expire().int("expired") == 0)
    }
    #expect(bench.eventTypes().filter { $0 == "InventoryReleased" }.count == 10)
  }

  @Test func theServiceExpiresByItself() throws {
    let bench = try InventoryBench()
    bench.run(configuration: InventoryConfiguration(expiryInterval: .seconds(1))) { clients in
      _ = try await clients[0].put(1, quantity: 10)
      _ = try await clients[0].reserve(1, [line(1, 4)], ttl: 1)
      try await clients[0].process.clock.sleep(for: .seconds(3))
      try await check(clients[0].stock(1).int("reserved") == 0)
    }
  }

  @Test func aConfirmThatRacesWithTheExpiryEndsTheReservationOnce() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let bench = try InventoryBench(seed: seed)
      bench.run(instances: 2) { clients in
        _ = try await clients[0].put(1, quantity: 10)
        let id = try await clients[0].reserve(1, [line(1, 4)], ttl: 1).reservationId
        try await clients[0].process.clock.sleep(for: .microseconds(998_000))
        async let confirm = clients[0].confirm(id)
        async let expire = clients[1].expire()
        let (confirmed, expired) = try await (confirm, expire)
        check((confirmed.status == 200) != (expired.int("expired") == 1) || confirmed.status == 410, "seed \(seed)")
      }
    }
  }

  @Test func shuttingDownFinishesWhatRunsAndRefusesWhatComes() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 10)
      async let running = clients[0].reserve(1, [line(1, 1)])
      // Long enough for the request to begin, shorter than a round trip.
      try await clients[0].process.clock.sleep(for: .microseconds(50))
      let left = await clients[0].service.shutdown(
        deadline: clients[0].process.clock.now.advanced(by: .seconds(5)))
      check(left == 0)
      try await check(running.status == 200)
      let refused = try await clients[0].reserve(2, [line(1, 1)])
      check(refused.status == 503 && refused.code == "overloaded")
    }
    #expect(bench.server.committedRows(of: "reservations").count == 1)
  }

  @Test func aRestartedDatabaseLosesNoAcknowledgedReservation() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 1_000)
      bench.kernel.schedule(after: .milliseconds(4)) { bench.server.crash() }
      bench.kernel.schedule(after: .milliseconds(50)) { bench.server.restart() }
      let reserved = try await withThrowingTaskGroup(of: Answer.self) { group in
        for number in 1...60 {
          group.addTask { try await clients[number % 2].reserve(number, [line(1, 1)]) }
          try await clients[0].process.clock.sleep(for: .microseconds(100))
        }
        return try await group.reduce(into: Set<String>()) { ids, answer in
          if answer.status == 200 { ids.insert(answer.reservationId) }
        }
      }
      let stored = Set(
        bench.server.committedRows(of: "reservations").compactMap { row -> String? in
          guard case .uuid(let id) = row["id"] else { return nil }
          return id.canonicalText
        })
      check(!reserved.isEmpty && reserved.isSubset(of: stored))
    }
  }
}
