import Checkers
import Foundation
import Scenarios
import Testing

/// What must hold of orders at rest.
@Suite struct CheckoutCheckerTests {
  /// The order's state, its reservation's, and its payments'.
  private func judge(_ text: String) -> Violation? {
    let words = text.split(separator: " ").map(String.init)
    let order = MoneyAndStockAgree.Case(
      orderId: Rows.id(1), status: words[0], reservation: words[1] == "-" ? nil : words[1],
      payments: Array(words.dropFirst(2)))
    return MoneyAndStockAgree().judge([order])
  }

  @Test(arguments: [
    "CONFIRMED confirmed captured", "FAILED released", "FAILED expired refunded", "FAILED -",
    "CANCELLED released refunded",
  ])
  func moneyAndStockAgree(_ order: String) { #expect(judge(order) == nil) }

  @Test(arguments: [
    "CONFIRMED confirmed", "CONFIRMED confirmed captured captured", "CONFIRMED confirmed refunded",
    "CONFIRMED pending captured", "CONFIRMED expired captured", "FAILED released captured", "FAILED pending",
    "FAILED confirmed", "CANCELLED released refunded captured", "PAID pending captured",
  ])
  func moneyAndStockDisagree(_ order: String) { #expect(judge(order)?.invariant == .moneyAndStockAgree) }

  @Test(arguments: [(false, true), (true, false)])
  func aReservationWithOtherLinesOrAPaymentOfAnotherAmountIsNoAgreement(_ lines: Bool, _ amounts: Bool) {
    let order = MoneyAndStockAgree.Case(
      orderId: Rows.id(1), status: "CONFIRMED", reservation: "confirmed", holdsItsLines: lines, payments: ["captured"],
      amountsAgree: amounts)
    #expect(MoneyAndStockAgree().judge([order])?.invariant == .moneyAndStockAgree)
  }

  @Test func anAcceptedOrderThatIsNotThereIsFound() {
    var checker = AcceptedOrdersAreStored()
    let promise = AcceptedOrdersAreStored.Promise(key: "ada key", orderId: Rows.id(1))
    #expect(checker.judge(promise, isStored: true) == nil && checker.judge(promise, isStored: true) == nil)
    #expect(checker.judgeAtRest(stored: [Rows.id(1), Rows.id(2)]) == nil)
    #expect(checker.judgeAtRest(stored: [Rows.id(2)])?.invariant == .acceptedOrderIsStored)
    #expect(checker.judge(promise, isStored: false)?.invariant == .acceptedOrderIsStored)
  }

  @Test func aKeyThatStandsForTwoOrdersIsFound() {
    var checker = AcceptedOrdersAreStored()
    let found = [UInt64(1), 2].map { checker.judge(.init(key: "ada key", orderId: Rows.id($0)), isStored: true) }
    #expect(found[0] == nil && found[1]?.invariant == .acceptedOrderIsStored)
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
