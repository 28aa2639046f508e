/// Rule 1 once the dust settles: no stock is held by anything, so that all of it can be sold.
public struct NothingHeldAtRest: StoreChecker {
  /// That nothing is held at rest.
  public let invariants: Set<Invariant> = [.nothingHeldAtRest]

  /// A checker; it keeps nothing.
  public init() {}

  /// Looks for items with reserved units, and shows at most eight of them.
  public func judgeAtRest(_ shadow: InventoryShadow) -> Violation? {
    let held = shadow.items.values.filter { $0.reserved != 0 }.sorted { $0.productId < $1.productId }
    guard !held.isEmpty else { return nil }
    return Violation(.nothingHeldAtRest, held.prefix(8).map(\.description))
  }
}
