/// Rule 8 for replenishments: one key adds its stock once, however often the request is sent.
public struct ReplenishedOnce: StoreChecker {
  /// That a key adds its stock once.
  public let invariants: Set<Invariant> = [.replenishedOnce]

  /// A checker; it keeps nothing from commit to commit.
  public init() {}

  /// Counts the ledger's rows with the product and key of each replenishment in `commit`.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.movements {
      guard let new = change.new, new.reason == "replenished" else { continue }
      let times = shadow.replenishments["\(new.productId) \(new.ref)"] ?? 0
      if times > 1 { return Violation(.replenishedOnce, ["\(new)", "\(times) times"]) }
    }
    return nil
  }
}
