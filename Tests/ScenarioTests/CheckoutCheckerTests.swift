import Checkers
import Foundation
import Scenarios
import Testing

/// What must hold of orders at rest.
@Suite struct CheckoutCheckerTests {
  @Test(arguments: [
    ("CONFIRMED", "confirmed", ["captured"], true), ("CONFIRMED", "confirmed", [], false),
    ("CONFIRMED", "confirmed", ["captured", "captured"], false), ("CONFIRMED", "confirmed", ["refunded"], false),
    ("CONFIRMED", "pending", ["captured"], false), ("CONFIRMED", "expired", ["captured"], false),
    ("FAILED", "released", [], true), ("FAILED", "expired", ["refunded"], true), ("FAILED", nil, [], true),
    ("FAILED", "released", ["captured"], false), ("FAILED", "pending", [], false), ("FAILED", "confirmed", [], false),
    ("CANCELLED", "released", ["refunded"], true), ("CANCELLED", "released", ["refunded", "captured"], false),
    ("PAID", "pending", ["captured"], false),
  ])
  func moneyAndStockAgreeAtRest(_ status: String, _ reservation: String?, _ payments: [String], _ isRight: Bool) {
    let order = MoneyAndStockAgree.Case(
      orderId: Rows.id(1), status: status, reservation: reservation, payments: payments)
    #expect((MoneyAndStockAgree().judgeAtRest([order]) == nil) == isRight)
  }

  @Test func anAcceptedOrderThatIsNotThereIsFound() {
    let checker = AcceptedOrdersAreStored()
    let promise = AcceptedOrdersAreStored.Promise(key: "ada key", orderId: Rows.id(1))
    #expect(checker.judgeAtRest([promise, promise], stored: [Rows.id(1), Rows.id(2)]) == nil)
    #expect(checker.judgeAtRest([promise], stored: [Rows.id(2)])?.invariant == .acceptedOrderIsStored)
  }

  @Test func aKeyThatStandsForTwoOrdersIsFound() {
    let promises = [1, 2].map { AcceptedOrdersAreStored.Promise(key: "ada key", orderId: Rows.id($0)) }
    let found = AcceptedOrdersAreStored().judgeAtRest(promises, stored: [Rows.id(1), Rows.id(2)])
    #expect(found?.invariant == .acceptedOrderIsStored)
  }

  @Test func withNothingGoingWrongEveryOrderIsConfirmed() {
    for seed in UInt64(1)...5 {
      let report = ScenarioRunner.run(RunSettings(scenario: "checkout", seed: seed))
      #expect(report.verdict == .passed)
      #expect(report.figures.first { $0.name == "orders that came to nothing" }?.value == 0)
      #expect((report.figures.first { $0.name == "orders confirmed" }?.value ?? 0) > 0)
    }
  }
}
