import FoundationEssentials
import HTTPTypes
import Inventory
import Seams
import ServiceKit
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct ReserveTests {
  @Test func oneOfAHundredClientsGetsTheLastItem() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 1)
      let statuses = try await withThrowingTaskGroup(of: Answer.self) { group in
        for number in 1...100 {
          group.addTask { try await clients[number % 2].reserve(number, [line(1, 1)]) }
        }
        return try await group.reduce(into: [Answer]()) { $0.append($1) }
      }
      check(statuses.filter { $0.status == 200 }.count == 1)
      check(statuses.filter { $0.status == 409 && $0.code == "insufficient_stock" }.count == 99)
      try await check(clients[0].stock(1).int("reserved") == 1)
    }
    #expect(bench.eventTypes() == ["StockReplenished", "InventoryReserved", "StockDepleted"])
  }

  @Test func theAnswerTellsTheReservation() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 10)
      _ = try await clients[0].put(2, quantity: 10)
      let answer = try await clients[0].reserve(1, [line(2, 3), line(1, 1)], ttl: 60)
      check(answer.status == 200 && answer.string("status") == "pending")
      check(answer.string("orderId") == order(1).canonicalText)
      check(answer.json["items"]?[0]?["productId"]?.string == product(1).canonicalText)
      check(answer.json["items"]?[1]?["quantity"] == .integer(3))
      let read = try await clients[0].send(.get, "/inventory/reservations/\(answer.reservationId)")
      check(read.status == 200 && read.json == answer.json)
      let short = try await clients[0].send(
        .post, "/inventory/reserve",
        "{\"orderId\": \"\(order(2).canonicalText)\", \"productId\": \"\(product(1).canonicalText)\", \"quantity\": 4}")
      check(short.status == 200 && short.json["items"]?[0]?["quantity"] == .integer(4))
    }
  }

  @Test func aShortageNamesEachProductAndTakesNothing() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 10)
      _ = try await clients[0].put(2, quantity: 1)
      let answer = try await clients[0].reserve(1, [line(1, 1), line(2, 2)])
      check(answer.status == 409 && answer.code == "insufficient_stock")
      check(answer.json["shortages"]?[0]?["productId"]?.string == product(2).canonicalText)
      check(answer.json["shortages"]?[0]?["available"] == .integer(1))
      try await check(clients[0].stock(1).int("reserved") == 0)
    }
  }

  @Test func theSameOrderGetsTheSameReservation() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      _ = try await clients[0].put(1, quantity: 10)
      _ = try await clients[0].put(2, quantity: 10)
      let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
        for number in 0..<10 {
          let lines = number % 4 < 2 ? [line(1, 1), line(2, 1)] : [line(2, 1), line(1, 1)]
          group.addTask { try await clients[number % 2].reserve(1, lines) }
        }
        return try await group.reduce(into: [Answer]()) { $0.append($1) }
      }
      check(answers.allSatisfy { $0.status == 200 && $0.json == answers[0].json })
      let other = try await clients[0].reserve(1, [line(1, 2), line(2, 1)])
      check(other.status == 422 && other.code == "idempotency_key_reused")
      try await check(clients[0].stock(1).int("reserved") == 1)
    }
  }

  @Test func aReserveThatComesAfterItsReleaseIsRefused() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 10)
      let released = try await clients[0].release(order: 1)
      check(released.status == 200 && released.string("status") == "released")
      try await check(clients[0].release(order: 1).json == released.json)
      let late = try await clients[0].reserve(1, [line(1, 1)])
      check(late.status == 409 && late.code == "reservation_not_pending")
    }
    #expect(bench.eventTypes() == ["StockReplenished"])
  }

  @Test func aReserveAndItsReleaseAtTheSameTimeLeaveNothingReserved() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let bench = try InventoryBench(seed: seed)
      bench.run(instances: 2) { clients in
        _ = try await clients[0].put(1, quantity: 10)
        async let reserve = clients[0].reserve(1, [line(1, 1)])
        async let release = clients[1].release(order: 1)
        let (reserved, released) = try await (reserve, release)
        check(reserved.status == 200 || reserved.code == "reservation_not_pending", "seed \(seed)")
        check(released.status == 200, "seed \(seed)")
        try await check(clients[0].stock(1).int("reserved") == 0, "seed \(seed)")
      }
    }
  }

  @Test func oppositeOrdersDoNotDeadlock() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2) { clients in
      for number in 1...4 { _ = try await clients[0].put(number, quantity: 1_000) }
      try await withThrowingTaskGroup(of: Answer.self) { group in
        for number in 1...200 {
          let lines = number % 2 == 0 ? [line(1, 1), line(3, 1), line(2, 1)] : [line(2, 1), line(3, 1), line(1, 1)]
          group.addTask { try await clients[number / 2 % 2].reserve(number, lines) }
        }
        for try await answer in group { check(answer.status == 200) }
      }
      try await check(clients[0].stock(2).int("reserved") == 200)
      try await check(clients[0].stock(2).int("version") == 201)
    }
    #expect(bench.server.statistics.deadlocks == 0)
  }

  @Test(arguments: [PostgresFault.commitAnswerLostCommitted, .commitAnswerLostRolledBack, .connectionLostAfter])
  func aLostAnswerIsReadBackBeforeAnyoneIsTold(fault: PostgresFault) throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 2)
      bench.server.injectNext(fault)
      let answer = try await clients[0].reserve(1, [line(1, 2)])
      check(answer.status == 200)
      try await check(clients[0].stock(1).int("reserved") == 2)
      bench.server.injectNext(fault)
      try await check(clients[0].confirm(answer.reservationId).status == 200)
      bench.server.injectNext(fault)
      try await check(clients[0].replenish(1, quantity: 3, key: "k").int("quantity") == 3)
      bench.server.injectNext(fault)
      try await check(clients[0].put(1, quantity: 9, version: 4).status == 200)
      bench.server.injectNext(fault)
      try await check(clients[0].put(2, quantity: 9).status == 201)
    }
    #expect(bench.server.committedRows(of: "reservations").count == 1)
  }

  @Test func aStuckProductDoesNotHoldUpTheOthers() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      for number in 1...8 { _ = try await clients[0].put(number, quantity: 10) }
      let rival = try await bench.server.connector(for: clients[0].process).connect(deadline: .distantFuture)
      _ = try await rival.executeBatch(
        ["BEGIN", "SELECT 1 FROM inventory_items WHERE product_id = \(product(3)) FOR UPDATE"],
        deadline: .distantFuture)
      let answers = try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
        for number in 1...8 {
          group.addTask { (number, try await clients[0].reserve(number, [line(number, 1)])) }
        }
        return try await group.reduce(into: [Int: Int]()) { $0[$1.0] = $1.1.status }
      }
      check(answers.filter { $0.key != 3 }.allSatisfy { $0.value == 200 })
      check(answers[3] == 504)
      // What was put back is done as soon as the row is free.
      async let late = clients[0].reserve(33, [line(3, 1), line(4, 1)])
      try await clients[0].process.clock.sleep(for: .seconds(1))
      rival.close()
      let reserved = try await late
      check(reserved.status == 200)
    }
  }
}
