import FoundationEssentials
import HTTPTypes
import NIOCore
import Orders
import Seams
import ServiceKit
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct OrderTests {
  /// CONTRACT: a rival waits for the first request for at most 5 s; the code comes only after that.
  @Test func aRivalOfAKeyThatStaysLockedIsToldSoAfterFiveSeconds() throws {
    let bench = try OrdersBench()
    let digest = RequestHash.sha256(ByteBuffer(string: "ada\nkey-1")).prefix(4)
    let number = Int(Int32(bitPattern: digest.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
    bench.run { callers in
      let deadline = callers[0].process.clock.now.advanced(by: .seconds(60))
      let rival = try await bench.server.connector(for: callers[0].process).connect(deadline: deadline)
      let locked = try await rival.execute(
        "SELECT pg_try_advisory_lock(\(0x0D0C)::int4, \(number)::int4) AS is_locked", deadline: deadline)
      check(try locked.rows[0].decode("is_locked") == true)
      let start = callers[0].process.clock.now
      let refused = try await callers[0].order()
      let waited = start.duration(to: callers[0].process.clock.now)
      check(refused.status == 409 && refused.string("code") == "idempotency_key_in_use", "\(refused.json)")
      check(waited >= .seconds(5) && waited < .seconds(6), "\(waited)")
      rival.close()
      check(try await callers[0].order().status == 202)
    }
    #expect(bench.rows("orders", "status").count == 1)
  }

  @Test func anOrderIsReservedPaidAndConfirmed() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let answer = try await callers[0].order([1: 2, 3: 1])
      check(answer.status == 202)
      check(answer.orderStatus == "PENDING")
      check(answer.int("total") == 500)
      check(answer.string("currency") == "EUR")
      check(answer.headers[.location] == "/orders/\(answer.orderId)")
      let order = try await callers[0].settled(answer.orderId)
      check(order.history == ["PENDING", "RESERVED", "PAID", "CONFIRMED"], "\(order.json)")
    }
    #expect(bench.inventory.calls == ["reserve", "confirm"])
    #expect(bench.payments.statuses == ["captured"])
    #expect(
      bench.rows("saga_steps", "step", "status", "attempts") == ["charge done 1", "confirm done 1", "reserve done 1"])
    #expect(bench.rows("notifications", "type") == ["order_confirmed"])
    #expect(bench.rows("outbox", "sequence", "type") == ["1 OrderCreated", "2 OrderConfirmed"])
    #expect(bench.rows("orders", "status", "saga_state", "lease_owner") == ["CONFIRMED done -"])
  }

  @Test func theSameKeyIsTheSameOrder() throws {
    let bench = try OrdersBench()
    bench.run(instances: 2) { callers in
      let first = try await callers[0].order()
      let again = try await callers[1].order()
      check(again.status == 202 && again.orderId == first.orderId && again.int("total") == 200)
      check(first.headers[.idempotencyReplayed] == nil)
      check(again.headers[.idempotencyReplayed] == "true")
      let other = try await callers[0].order([2: 1])
      check(other.status == 422 && other.code == "idempotency_key_reused")
      let stranger = try await callers[0].order(user: "bob")
      check(stranger.status == 202 && stranger.orderId != first.orderId)
    }
    #expect(bench.rows("orders", "user_id") == ["ada", "bob"])
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func fiftyCallersWithOneKeyMakeOneOrder(_ seed: UInt64) throws {
    let bench = try OrdersBench(seed: seed)
    bench.run(instances: 2) { callers in
      try await withThrowingTaskGroup(of: Answer.self) { group in
        for number in 0..<50 { group.addTask { try await callers[number % 2].order() } }
        var ids: Set<String> = []
        for try await answer in group {
          check(answer.status == 202, "\(answer.json)")
          ids.insert(answer.orderId)
        }
        check(ids.count == 1)
      }
    }
    #expect(bench.rows("orders", "user_id") == ["ada"])
    #expect(bench.payments.statuses == ["captured"])
  }

  @Test func everythingWrongIsNamedAtOnce() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let answer = try await callers[0].send(
        .post, "/orders",
        "{\"items\": [{\"productId\": \"x\", \"quantity\": 0}], \"paymentToken\": \"\", \"extra\": 1}")
      check(answer.status == 400 && answer.code == "validation_failed")
      check(
        Set(answer.fields) == [
          "items[0].productId", "items[0].quantity", "paymentToken", "Idempotency-Key", "extra",
        ], "\(answer.fields)")
      let unknown = try await callers[0].order([9: 1])
      check(unknown.status == 404 && unknown.code == "product_not_found")
    }
    #expect(bench.rows("orders", "id").isEmpty)
  }

  @Test func anotherUsersOrderIsNotFound() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let id = try await callers[0].order().orderId
      let stranger = try await callers[0].send(.get, "/orders/\(id)", user: "bob")
      check(stranger.status == 404 && stranger.code == "order_not_found")
      let cancel = try await callers[0].send(.post, "/orders/\(id)/cancel", user: "bob")
      check(cancel.status == 404 && cancel.code == "order_not_found")
      _ = try await callers[0].settled(id)
    }
  }

  @Test func aListGoesPageByPageFromTheNewestOn() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      var made: [String] = []
      for number in 1...5 {
        made.append(try await callers[0].order(key: "key-\(number)").orderId)
        try await callers[0].pause(.milliseconds(10))
      }
      var seen: [String] = []
      var cursor = ""
      repeat {
        let page = try await callers[0].send(.get, "/orders?limit=2\(cursor)")
        guard case .array(let items) = page.json["items"] else { return check(false) }
        seen += items.map { $0["orderId"]?.string ?? "" }
        cursor = page.string("nextCursor").isEmpty ? "" : "&cursor=\(page.string("nextCursor"))"
      } while !cursor.isEmpty
      check(seen == made.reversed(), "\(seen) \(made)")
      let wrong = try await callers[0].send(.get, "/orders?cursor=x&limit=0")
      check(Set(wrong.fields) == ["cursor", "limit"])
    }
  }

  @Test func theCatalogueIsReadByPagesAndByProduct() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let page = try await callers[0].send(.get, "/products?limit=3")
      let rest = try await callers[0].send(.get, "/products?limit=3&cursor=\(page.string("nextCursor"))")
      guard case .array(let first) = page.json["items"], case .array(let last) = rest.json["items"] else {
        return check(false)
      }
      check(first.count == 3 && last.count == 2 && rest.json["nextCursor"] == .null)
      let one = try await callers[0].send(.get, "/products/\(product(4).canonicalText)")
      check(one.int("price") == 400 && one.string("name") == "Product 4")
    }
  }

  @Test func aCallerWithoutTheTokenIsRefused() throws {
    let bench = try OrdersBench()
    bench.run(configuration: OrdersConfiguration(secret: Secret("s3cret"))) { callers in
      let none = try await callers[0].order()
      check(none.status == 401 && none.code == "unauthenticated")
      let wrong = try await callers[0].send(.get, "/orders", headers: [.authorization: "Bearer s3cres"])
      check(wrong.status == 401)
      let right = try await callers[0].send(.get, "/orders", headers: [.authorization: "Bearer s3cret"])
      check(right.status == 200)
      let nobody = try await callers[0].send(.get, "/orders", user: nil, headers: [.authorization: "Bearer s3cret"])
      check(nobody.status == 401)
    }
  }
}
