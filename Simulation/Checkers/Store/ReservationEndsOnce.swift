/// Rule 2: a reservation goes from pending to confirmed, released or expired, once; an order has at most one.
public struct ReservationEndsOnce: StoreChecker {
  private static let ends: Set<String> = ["confirmed", "released", "expired"]

  public init() {}

  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.reservations {
      switch (change.old, change.new) {
      case (nil, let new?):
        // A release that comes before its reserve stores a reservation that was never pending.
        if new.status != "pending", new.status != "released" {
          return Violation("a reservation begins pending", ["\(new)"])
        }
        if shadow.reservationOfOrder[new.orderId] != new.id,
          let other = shadow.reservationOfOrder[new.orderId].flatMap({ shadow.reservations[$0] })
        {
          return Violation("an order has at most one reservation", ["\(new)", "\(other)"])
        }
        let twins = commit.reservations.filter { $0.old == nil && $0.new?.orderId == new.orderId }
        if twins.count > 1 {
          return Violation("an order has at most one reservation", twins.compactMap { $0.new?.description })
        }
      case (let old?, let new?):
        guard old.status != new.status else { continue }
        if !old.isPending || !Self.ends.contains(new.status) {
          return Violation("a reservation ends once", ["was: \(old)", "is:  \(new)"])
        }
      case (let old?, nil):
        return Violation("a reservation is never deleted", ["\(old)"])
      case (nil, nil): continue
      }
    }
    return nil
  }
}
