internal import Checkers
internal import FoundationEssentials
internal import SimulationKernel

/// What must be so once everything has recovered, or where nothing is wrong.
extension CheckoutWorld {
  /// Judges an order that nothing hinders: it is confirmed.
  func mustBeConfirmed(_ id: UUID?, _ status: String?) {
    guard status != "CONFIRMED" else { return }
    let order = id.map { judge.ordersShadow.orders[$0].map { "\($0)" } ?? "order \($0) is not there" }
    world.violate(
      Invariant.plentyIsConfirmed.rawValue, [order ?? "no order was accepted", "told: \(status ?? "nothing")"])
  }

  /// Nothing is undersold, and a sold-out product hinders no other: of every product one more is sold where there is one,
  /// one after the other.
  func sellOneMoreOfEach() async throws {
    let client = makeClient("auditor")
    for (number, product) in products.enumerated() {
      let isThere = (judge.stock.items[product]?.available ?? 0) > 0
      let wish = CheckoutClient.Wish(key: "one more \(number)", lines: [(product, 1)], token: "tok_ok")
      let id = try await client.order(wish, attempts: 1)
      var status: String?
      if let id { status = try await client.settle(id) }
      if isThere {
        mustBeConfirmed(id, status)
      } else if status != "FAILED" || id.flatMap({ judge.ordersShadow.orders[$0]?.failureCode }) != "insufficient_stock"
      {
        world.violate(
          Invariant.failureApplies.rawValue,
          ["nothing is left of \(product.uuidString.lowercased())", "an order of it is \(status ?? "not accepted")"])
      }
    }
  }
}
