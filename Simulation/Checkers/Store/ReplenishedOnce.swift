/// Rule 8 for replenishments: one key adds its stock once, however often the request is sent.
public struct ReplenishedOnce: StoreChecker {
  public let invariants: Set<Invariant> = [.replenishedOnce]

  public init() {}

  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.movements {
      guard let new = change.new, new.reason == "replenished" else { continue }
      let times = shadow.replenishments["\(new.productId) \(new.ref)"] ?? 0
      if times > 1 { return Violation(.replenishedOnce, ["\(new)", "\(times) times"]) }
    }
    return nil
  }
}
