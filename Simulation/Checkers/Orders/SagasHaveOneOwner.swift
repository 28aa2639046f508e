internal import Seams

/// A saga belongs to one instance at a time: nobody claims one before its lease is over, and each claim has a number of its
/// own. One that is stuck has no lease, and is for an operator to set going.
public struct SagasHaveOneOwner: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.sagaHasOneOwner]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges the claims of `commit`.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    let now = around.databaseEpoch.advanced(by: .nanoseconds(commit.time.nanoseconds))
    for change in commit.orders {
      guard let old = change.old, let new = change.new, new.leaseNumber != old.leaseNumber else { continue }
      let isOver = old.leaseUntil.map { $0 <= now } ?? true
      if new.leaseNumber != old.leaseNumber + 1 || !isOver {
        return Violation(
          .sagaHasOneOwner,
          [
            "\(new)", "lease \(old.leaseNumber) became \(new.leaseNumber) at \(now)",
            "it lasted until \(old.leaseUntil.map { "\($0)" } ?? "nobody set it going")",
          ])
      }
    }
    return nil
  }
}
