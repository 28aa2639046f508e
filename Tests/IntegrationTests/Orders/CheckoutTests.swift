import FoundationEssentials
import HTTPTypes
import Seams
import ServiceKit
import Testing

/// Orders through all services over real servers, while nothing is wrong with these.
@Suite("Orders on real servers", .serialized, .timeLimit(.minutes(2)))
struct CheckoutTests {
  private static func shape(quantity: Int = 1_000) -> LiveShop.Shape {
    var shape = LiveShop.Shape()
    shape.instances = 2
    shape.products = 3
    shape.quantity = quantity
    return shape
  }

  @Test("checkout: every order is reserved, paid and confirmed, on any instance")
  func everyOrderIsConfirmed() async throws {
    try await LiveShop.run(Self.shape()) { shop in
      let ends = try await shop.atOnce(24) { customer, number in
        let products = shop.products.prefix(1 + number % 3)
        return try await customer.buy(Array(products.reversed()), quantity: 1 + number % 2)
      }
      #expect(ends == Array(repeating: "CONFIRMED", count: 24))
      // One in three takes one product, one two, one three; every second takes two units.
      for (product, sold) in zip(shop.products, [36, 24, 12]) {
        let left: SQLStatement = "SELECT quantity FROM inventory_items WHERE product_id = \(product)"
        #expect(try await shop.stock.count(left) == 1_000 - sold)
      }
      let customer = shop.customer(at: 0)
      let id = try customer.accepted(try await customer.order(shop.products))
      #expect(try await shop.customer(at: 1).settle(id) == "CONFIRMED")
      let order = try await customer.read(id).json
      guard case .array(let history) = order["history"] else { throw ConformanceFailure("no history: \(order)") }
      #expect(history.map { $0["status"]?.string } == ["PENDING", "RESERVED", "PAID", "CONFIRMED"])
      #expect(try await shop.customer("somebody-else").read(id).code == "order_not_found")
    }
  }

  @Test("what cannot be bought or paid fails with its code; what is captured without an answer is captured once")
  func failuresHaveTheirCodes() async throws {
    try await LiveShop.run(Self.shape(quantity: 5)) { shop in
      let wishes = [("tok_declined", 5), ("tok_ok", 6), ("tok_lost", 1), ("tok_flaky", 1)]
      for (wish, expected) in zip(
        wishes, ["FAILED payment_declined", "FAILED insufficient_stock", "CONFIRMED", "CONFIRMED"])
      {
        let end = try await shop.customer().buy([shop.products[0]], quantity: wish.1, token: wish.0)
        #expect(end == expected, "\(wish)")
      }
    }
  }

  @Test("idempotency-storm: the same key from 50 clients at once is one order, and all are told of it")
  func oneKeyIsOneOrder() async throws {
    try await LiveShop.run(Self.shape()) { shop in
      for round in 1...3 {
        // A tenth uses the key for something else.
        let answers = try await shop.atOnce(50, as: "everybody") { customer, number in
          try await customer.order([shop.products[0]], quantity: number % 10 == 9 ? 2 : 1, key: "round \(round)")
        }
        let accepted = answers.filter { $0.status == 202 }
        #expect(Set(accepted.map(\.orderId)).count == 1)
        #expect(accepted.count { $0.fields[.idempotencyReplayed] == nil } == 1)
        let refused = answers.filter { $0.outcome == "422 idempotency_key_reused" }
        #expect(accepted.count + refused.count == 50, "\(answers.tally)")
        // Whoever came first decided what the key stands for.
        #expect([45, 5].contains(accepted.count))
        let id = try #require(accepted.first?.orderId)
        #expect(try await shop.customer("everybody").settle(id) == "CONFIRMED")
        #expect(try await shop.orders.count("SELECT count(*) FROM orders") == round)
      }
    }
  }
}
