internal import FoundationEssentials

/// Rule 1: for every product `0 <= reserved <= quantity`, `reserved` is the sum of its pending lines, the ledger adds up
/// to `quantity`, and what left by confirmations is what confirmed reservations hold.
public struct StockConserved: StoreChecker {
  /// The four sums that an item, its reservations and its ledger must agree in.
  public let invariants: Set<Invariant> = [.neverOversold, .reservedIsPending, .ledgerAddsUp, .confirmedUnitsLeft]

  /// A checker; it keeps nothing from commit to commit.
  public init() {}

  /// Adds up the products that `commit` touched: their items, movements and reservations' lines.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.items {
      if let violation = judge((change.new ?? change.old)?.productId, shadow) { return violation }
    }
    for change in commit.movements {
      if let violation = judge((change.new ?? change.old)?.productId, shadow) { return violation }
    }
    for change in commit.reservations {
      guard let id = (change.new ?? change.old)?.id else { continue }
      for line in shadow.lines[id] ?? [] {
        if let violation = judge(line.productId, shadow) { return violation }
      }
    }
    return nil
  }

  /// Adds up every product.
  public func judgeAtRest(_ shadow: InventoryShadow) -> Violation? {
    for id in shadow.items.keys.sorted() {
      if let violation = judge(id, shadow) { return violation }
    }
    return nil
  }

  private func judge(_ product: UUID?, _ shadow: InventoryShadow) -> Violation? {
    guard let product, let item = shadow.items[product] else { return nil }
    if item.reserved < 0 || item.reserved > item.quantity {
      return Violation(.neverOversold, ["\(item)"] + holders(product, shadow))
    }
    let pending = shadow.pendingUnits[product] ?? 0
    if item.reserved != pending {
      return Violation(
        .reservedIsPending,
        ["\(item)", "pending lines hold \(pending) units"] + holders(product, shadow))
    }
    let ledger = shadow.ledger[product] ?? 0
    if item.quantity != ledger {
      return Violation(.ledgerAddsUp, ["\(item)", "stock_movements add up to \(ledger)"])
    }
    let left = -(shadow.ledgerOfConfirmations[product] ?? 0)
    let confirmed = shadow.confirmedUnits[product] ?? 0
    if left != confirmed {
      return Violation(
        .confirmedUnitsLeft,
        ["\(item)", "stock_movements let \(left) units go by confirmations, confirmed reservations hold \(confirmed)"]
          + holders(product, shadow))
    }
    return nil
  }

  /// The reservations that hold or took units of the product: at most a dozen.
  private func holders(_ product: UUID, _ shadow: InventoryShadow) -> [String] {
    let ids = shadow.lines.filter { $0.value.contains { $0.productId == product } }.keys.sorted()
    let rows = ids.compactMap { id in
      shadow.reservations[id].map { row in
        let units = (shadow.lines[id] ?? []).filter { $0.productId == product }.reduce(0) { $0 + $1.quantity }
        return "\(row), \(units) units"
      }
    }
    return rows.count > 12 ? Array(rows.suffix(12)) + ["and \(rows.count - 12) more"] : rows
  }
}
