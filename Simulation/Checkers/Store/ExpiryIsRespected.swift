/// A reservation is confirmed only before it expires and expires only after that, by the database's clock (CONTRACT,
/// "Inventory").
public struct ExpiryIsRespected: StoreChecker {
  /// Confirmations after the time and expiries before it.
  public let invariants: Set<Invariant> = [.confirmedInTime, .expiresAfterItsTime]

  /// A checker; it keeps nothing from commit to commit.
  public init() {}

  /// Compares `updated_at` of each reservation that stopped being pending with the `expires_at` that it had.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.reservations {
      guard let old = change.old, let new = change.new, old.isPending else { continue }
      if new.status == "confirmed", new.updatedAt >= old.expiresAt {
        return Violation(.confirmedInTime, ["was: \(old)", "is:  \(new)"])
      }
      if new.status == "expired", new.updatedAt < old.expiresAt {
        return Violation(.expiresAfterItsTime, ["was: \(old)", "is:  \(new)"])
      }
    }
    return nil
  }
}
