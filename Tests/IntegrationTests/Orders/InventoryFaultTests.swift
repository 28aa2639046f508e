import FoundationEssentials
import Postgres
import Seams
import SeamsLive
import ServiceKit
import Testing

/// Orders while the inventory is gone, slow, or answers what nobody can read.
@Suite("Orders on real servers while the inventory fails", .serialized, .timeLimit(.minutes(2)))
struct InventoryFaultTests {
  @Test("inventory-down: orders are accepted at once, fail cleanly, and go through afterwards")
  func withoutInventoryOrdersFailCleanly() async throws {
    try await LiveShop.run { shop in
      let customer = shop.customer()
      #expect(try await customer.buy(shop.products) == "CONFIRMED")
      await shop.inventoryServers[0].stop()
      let clock = shop.stock.clock
      var ids: [UUID] = []
      for _ in 1...3 {
        let start = clock.now
        ids.append(try customer.accepted(try await customer.order(shop.products)))
        #expect(start.duration(to: clock.now) < .seconds(1))
      }
      // Nobody accepts a connection: nothing can have been reserved, and the orders are over though nobody can be asked.
      #expect(try await customer.settle(ids[2]) == "FAILED upstream_unavailable")
      try await shop.inventoryServers[0].start()
      for id in ids { #expect(try await customer.settle(id) == "FAILED upstream_unavailable") }
      #expect(try await customer.buy(shop.products) == "CONFIRMED")
    }
  }

  @Test("slow-inventory: answers that take more than two seconds are waited for")
  func slowAnswersAreWaitedFor() async throws {
    var shape = LiveShop.Shape()
    shape.calls = ServicePeer.Options()
    try await LiveShop.run(shape) { shop in
      shop.faults[0].fault = .init(answerDelay: .milliseconds(2_100))
      let clock = shop.stock.clock
      let start = clock.now
      let end = try await shop.customer().buy(shop.products)
      #expect(end == "CONFIRMED")
      // It was asked twice, and once each.
      #expect(start.duration(to: clock.now) > .milliseconds(4_200))
      #expect(shop.faults[0].exchanges.map(\.status) == [200, 200])
      shop.faults[0].fault = nil
    }
  }

  @Test("slow-inventory: a reserve that comes too late is refused, one that is answered too late is undone")
  func lateReservesAreUndone() async throws {
    for isLateRequest in [true, false] {
      try await LiveShop.run { shop in
        let (fault, customer) = (shop.faults[0], shop.customer())
        let delay = Duration.milliseconds(2_500)
        fault.fault = .init(
          path: "/inventory/reserve", requestDelay: isLateRequest ? delay : .zero,
          answerDelay: isLateRequest ? .zero : delay)
        #expect(try await customer.buy(shop.products) == "FAILED upstream_timeout")
        fault.fault = nil
        try await shop.until("the reserves have arrived") { fault.underWay == 0 }
        let reserves = fault.exchanges.filter { $0.path == "/inventory/reserve" }
        #expect(reserves.map(\.status) == Array(repeating: isLateRequest ? 409 : 200, count: 3))
        #expect(try await shop.stock.count("SELECT count(*) FROM reservations WHERE status = 'released'") == 1)
        #expect(try await customer.buy(shop.products) == "CONFIRMED")
      }
    }
  }

  @Test("malformed-inventory: nobody believes an answer that cannot be read, and what it may mean is undone")
  func unreadableAnswersAreNotBelieved() async throws {
    try await LiveShop.run { shop in
      let (fault, customer) = (shop.faults[0], shop.customer())
      for damage in FaultyHandler.Damage.allCases {
        fault.fault = .init(damage: damage)
        let id = try customer.accepted(try await customer.order(shop.products))
        let turned: SQLStatement = "SELECT count(*) FROM orders WHERE id = \(id) AND saga_state = 'compensating'"
        try await shop.until("\(damage) is no reservation") { try await shop.orders.count(turned) == 1 }
        fault.fault = nil
        let end = try await customer.settle(id)
        #expect(end == "FAILED upstream_unavailable", "\(damage)")
        #expect(try await customer.buy(shop.products) == "CONFIRMED", "after \(damage)")
      }
    }
  }

  @Test("malformed-inventory: a confirmation that cannot be read is asked for until it can")
  func unreadableConfirmationsAreAskedForAgain() async throws {
    try await LiveShop.run { shop in
      let (fault, customer) = (shop.faults[0], shop.customer())
      fault.fault = .init(path: "/inventory/confirm", damage: .garbageBody)
      let id = try customer.accepted(try await customer.order(shop.products))
      try await shop.until("confirmations that could not be read") {
        fault.exchanges.count { $0.path.hasPrefix("/inventory/confirm") } > 3
      }
      #expect(try await customer.read(id).json["status"]?.string == "PAID")
      fault.fault = nil
      #expect(try await customer.settle(id) == "CONFIRMED")
    }
  }
}
