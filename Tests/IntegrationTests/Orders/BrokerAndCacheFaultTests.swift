import Checkers
import FoundationEssentials
import NIOCore
import Postgres
import RabbitMQ
import Seams
import SeamsLive
import ServiceKit
import Testing

/// Orders while the broker or the cache is gone, and among messages that nobody can process.
@Suite("Orders on real servers while broker and cache fail", .serialized, .timeLimit(.minutes(2)))
struct BrokerAndCacheFaultTests {
  @Test("broker-restart: orders go through while the broker restarts, and every event arrives in the end")
  func whileTheBrokerRestartsOrdersGoThrough() async throws {
    var shape = LiveShop.Shape()
    shape.instances = 2
    try await LiveShop.run(shape) { shop in
      #expect(try await shop.customer().buy(shop.products) == "CONFIRMED")
      // Four at a time, as long as it takes.
      try await withThrowingTaskGroup(of: String?.self) { group in
        group.addTask {
          try await LiveBroker.restart()
          return nil
        }
        func buy(_ number: Int) { group.addTask { try await shop.customer(at: number).buy(shop.products) } }
        for number in 1...4 { buy(number) }
        var (bought, isRestarting) = (0, true)
        while let end = try await group.next() {
          guard let end else {
            isRestarting = false
            continue
          }
          #expect(end == "CONFIRMED")
          bought += 1
          if isRestarting { buy(bought) }
        }
      }
    }
  }

  @Test("broker-restart: without a way to the broker events wait, and every one arrives when it is cut again and again")
  func withoutTheBrokerOrdersGoThrough() async throws {
    let relay = try await Relay(to: LiveBroker.port())
    var shape = LiveShop.Shape()
    shape.instances = 2
    shape.broker = try RabbitMQConnector(url: LiveBroker.url(through: relay), clock: SystemMonotonicClock())
    let outcome: Result<Void, any Error>
    do {
      try await LiveShop.run(shape) { shop in
        #expect(try await shop.customer().buy(shop.products) == "CONFIRMED")
        let published: SQLStatement = "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL"
        try await shop.until("the broker is in use") { try await shop.orders.count(published) == 2 }
        try await relay.interrupt()
        let ends = try await shop.atOnce(6) { customer, _ in try await customer.buy(shop.products) }
        #expect(ends == Array(repeating: "CONFIRMED", count: 6))
        #expect(try await shop.orders.count(published) == 2)
        try await relay.restore()
        try await shop.until("events are published again") { try await shop.orders.count(published) == 14 }
        // Confirms and acknowledgements are lost in the middle of their work.
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            for _ in 1...5 {
              try await relay.cut()
              try await SystemMonotonicClock().sleep(for: .milliseconds(150))
            }
          }
          group.addTask {
            let ends = try await shop.atOnce(20) { customer, _ in try await customer.buy(shop.products) }
            #expect(ends == Array(repeating: "CONFIRMED", count: 20))
          }
          try await group.waitForAll()
        }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await relay.stop()
    try outcome.get()
  }

  @Test("redis-down: orders go through without the cache, which is right and in use when it is back")
  func withoutTheCacheOrdersGoThrough() async throws {
    try await OwnRedis.with { redis in
      var shape = LiveShop.Shape()
      shape.cache = try LiveRedis.connector(url: redis.url)
      try await LiveShop.run(shape) { shop in
        let customer = shop.customer()
        try await Self.untilUsed(shop)
        for trouble in [redis.kill, redis.stall] {
          trouble()
          for _ in 1...3 { #expect(try await customer.buy(shop.products) == "CONFIRMED") }
          redis.kill()
          try await redis.start()
          try await Self.untilUsed(shop)
          #expect(try await customer.buy(shop.products) == "CONFIRMED")
        }
        try await Self.untilUsed(shop)
      }
    }
  }

  private static func untilUsed(_ shop: LiveShop) async throws {
    let client = LiveClient(transport: shop.transport, authority: shop.inventoryServers[0].authority)
    for product in shop.products {
      try await shop.until("a read is answered from the cache") {
        try await client.perform(.readItem(productId: product)).cache == "hit"
      }
    }
  }

  @Test("poison-message: what cannot be processed is set aside with its reason, and hinders nothing")
  func poisonIsSetAside() async throws {
    try await LiveShop.run { shop in
      let customer = shop.customer()
      #expect(try await customer.buy(shop.products) == "CONFIRMED")
      try await shop.untilNewsIsHeard()
      let ids = (0..<5).map { _ in UUID() }
      func event(_ number: Int, _ type: String, _ data: [JSONMember]) -> ByteBuffer {
        CloudEvent(id: ids[number], source: "urn:zoco:rogue", type: type, data: .object(data)).encoded
      }
      let poisons: [(body: ByteBuffer, reason: String)] = [
        (ByteBuffer(string: "\u{0}\u{1} no JSON at all"), "it is no event"),
        (ByteBuffer(string: "{\"id\":\"\(ids[1].canonicalText)\",\"orderId\":7}"), "it is no event"),
        (event(2, "InventoryPainted", []), "nothing handles the type"),
        (event(3, "InventoryReleased", [JSONMember("reason", .string("expired"))]), "names no order"),
        (event(4, "InventoryConfirmed", [JSONMember("orderId", .string("🍋\u{0}' OR 1=1"))]), "names no order"),
      ]
      for (id, poison) in zip(ids, poisons) { try await shop.log.publish(poison.body, id: id) }
      #expect(try await customer.buy(shop.products) == "CONFIRMED")
      try await shop.until("five dead letters") {
        try await shop.orders.count("SELECT count(*) FROM dead_letters") == 5
      }
      let letters = try await shop.orders.rows("SELECT reason, body, routing_key FROM dead_letters")
      for poison in poisons {
        let bytes = SQLValue.bytes(Array(poison.body.readableBytesView))
        let letter = try #require(letters.first { $0.values[1] == bytes })
        #expect(try letter.decode("reason", as: String.self).contains(poison.reason))
        #expect(try letter.decode("routing_key", as: String.self) == "inventory.confirmed")
      }
      var dead: [ByteBuffer] = []
      try await shop.until("five messages among the dead letters") {
        dead += try await shop.log.deadLetters().map(\.body)
        return Set(dead).count == 5
      }
      #expect(Set(dead) == Set(poisons.map(\.body)))
    }
  }

  @Test("poison-message: an event whose handling fails is tried again, and takes effect once it can")
  func aFailedEventIsTriedAgain() async throws {
    var shape = LiveShop.Shape()
    shape.inbox.handlerTimeout = .milliseconds(300)
    try await LiveShop.run(shape) { shop in
      let customer = shop.customer()
      let order = try customer.accepted(try await customer.order(shop.products))
      #expect(try await customer.settle(order) == "CONFIRMED")
      try await shop.untilNewsIsHeard()
      let holder = try await shop.orders.connector.connect(deadline: LiveDatabase.soon())
      defer { holder.close() }
      _ = try await holder.executeBatch(
        ["BEGIN", "SELECT id FROM orders WHERE id = \(order) FOR UPDATE"], deadline: LiveDatabase.soon())
      let id = UUID()
      let data = [
        JSONMember("reason", .string("expired")), JSONMember("orderId", .string(order.canonicalText)),
      ]
      let event = CloudEvent(id: id, source: "urn:zoco:rogue", type: "InventoryReleased", data: .object(data))
      try await shop.log.publish(event.encoded, id: id, routingKey: "inventory.released")
      let history: SQLStatement = "SELECT count(*) FROM inbox WHERE event_id = \(id) AND history LIKE 'attempt 1: %'"
      try await shop.until("its first attempt has failed") { try await shop.orders.count(history) == 1 }
      _ = try await holder.execute("ROLLBACK", deadline: LiveDatabase.soon())
      let processed: SQLStatement =
        "SELECT count(*) FROM inbox WHERE event_id = \(id) AND processed_at IS NOT NULL AND attempts = 2"
      try await shop.until("its second attempt has succeeded") { try await shop.orders.count(processed) == 1 }
    }
  }
}
