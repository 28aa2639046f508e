/// Rule 2: a reservation goes from pending to confirmed, released or expired, once; an order has at most one.
public struct ReservationEndsOnce: StoreChecker {
  private static let ends: Set<String> = ["confirmed", "released", "expired"]

  /// How a reservation begins, how it ends, that it stays, and that it is its order's only one.
  public let invariants: Set<Invariant> = [.beginsPending, .oneReservation, .endsOnce, .neverDeleted]

  /// A checker; it keeps nothing from commit to commit.
  public init() {}

  /// Judges each reservation that `commit` inserted, changed or deleted.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.reservations {
      switch (change.old, change.new) {
      case (nil, let new?):
        // A release that comes before its reserve stores a reservation that was never pending.
        if new.status != "pending", new.status != "released" {
          return Violation(.beginsPending, ["\(new)"])
        }
        let all = shadow.reservationsOfOrder[new.orderId] ?? []
        if all.count > 1 {
          return Violation(.oneReservation, all.map { shadow.reservations[$0]?.description ?? "\($0)" })
        }
      case (let old?, let new?):
        guard old.status != new.status else { continue }
        if !old.isPending || !Self.ends.contains(new.status) {
          return Violation(.endsOnce, ["was: \(old)", "is:  \(new)"])
        }
      case (let old?, nil):
        return Violation(.neverDeleted, ["\(old)"])
      case (nil, nil): continue
      }
    }
    return nil
  }
}
