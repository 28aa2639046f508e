/// Rule 6 once the dust settles: what the cache holds of a product is what the table says.
public struct CacheAgreesAtRest: Checker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.cacheAgreesAtRest]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges the cache when no write is under way and no invalidation is owed.
  ///
  /// - Parameter cached: what the cache holds of each product of which it holds something.
  public func judge(_ cached: [ItemRow], in shadow: InventoryShadow) -> Violation? {
    for item in cached {
      let row = shadow.items[item.productId]
      guard row != item else { continue }
      return Violation(.cacheAgreesAtRest, ["cached: \(item)", "table: \(row?.description ?? "no row")"])
    }
    return nil
  }
}
