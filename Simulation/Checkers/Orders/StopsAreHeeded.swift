/// A saga that is asked to turn round before its order is paid does not confirm it: who asks while a step is under way is
/// heard when that step is recorded. A confirmation that was under way may win.
public struct StopsAreHeeded: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.stopIsHeeded]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges the orders that `commit` confirms.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    for change in commit.orders {
      guard let new = change.new, new.status == "CONFIRMED", change.old?.status != "CONFIRMED" else { continue }
      guard let status = shadow.statusWhenStopped[new.id], status == "PENDING" || status == "RESERVED" else { continue }
      return Violation(.stopIsHeeded, ["\(new)", "it was stopped when it was \(status)"])
    }
    return nil
  }
}
