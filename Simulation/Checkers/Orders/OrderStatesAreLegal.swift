/// CONTRACT, "Orders": `PENDING → RESERVED → PAID → CONFIRMED`, from each of the first three to `FAILED` or `CANCELLED`, and
/// from none of these anywhere. What an order was is in its history.
public struct OrderStatesAreLegal: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.orderStatesAreLegal]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges every change of an order's state.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    for change in commit.orders {
      guard let new = change.new else {
        return Violation(.orderStatesAreLegal, ["deleted: \(change.old.map { "\($0)" } ?? "nothing")"])
      }
      guard change.old?.status != new.status else { continue }
      if !Self.isLegal(from: change.old?.status, to: new.status) {
        return Violation(
          .orderStatesAreLegal, ["was: \(change.old.map { "\($0)" } ?? "not there")", "is: \(new)"])
      }
      if !commit.history.contains(OrderHistoryRow(orderId: new.id, status: new.status)) {
        return Violation(.orderStatesAreLegal, ["\(new)", "its history does not say so"])
      }
    }
    return nil
  }

  private static func isLegal(from old: String?, to new: String) -> Bool {
    switch (old, new) {
    case (nil, "PENDING"), ("PENDING", "RESERVED"), ("RESERVED", "PAID"), ("PAID", "CONFIRMED"): true
    case ("PENDING", "FAILED"), ("RESERVED", "FAILED"), ("PAID", "FAILED"): true
    case ("PENDING", "CANCELLED"), ("RESERVED", "CANCELLED"), ("PAID", "CANCELLED"): true
    default: false
    }
  }
}
