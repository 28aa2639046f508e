internal import FoundationEssentials
internal import Seams

/// Rule 7: an order fails only for a reason that applies to it: for stock that was short while it waited, for a payment that
/// its customer cannot make, for time that ran out; for want of an answer only while there are faults.
public struct FailuresHaveReasons: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.failureApplies, .noOrderFailsAfterHealing]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges the orders that `commit` lets fail.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    for order in commit.orders.compactMap(\.new) where order.status == "FAILED" {
      guard let code = order.failureCode, let start = shadow.createdAt[order.id] else {
        return Violation(.failureApplies, ["\(order)"])
      }
      let span = around.stock.moments(from: start, to: commit.time)
      switch code {
      case "insufficient_stock":
        let wasShort = (shadow.items[order.id] ?? []).contains { item in
          around.stock.states(ofItem: item.productId, in: span).contains { ($0?.available ?? 0) < item.quantity }
        }
        if wasShort { continue }
      case "payment_declined":
        if order.paymentToken == "tok_declined" { continue }
      case "reservation_expired":
        guard let id = around.stock.reservation(ofOrder: order.id) else { break }
        if around.stock.wasOverdue(id, in: span, until: commit.time) { continue }
      case "reservation_not_pending":
        // Ended by its expiry, and said so in other words.
        let row = around.stock.reservation(ofOrder: order.id).flatMap { around.stock.reservations[$0] }
        if row?.status == "expired" { continue }
      case "upstream_unavailable", "upstream_timeout", "circuit_open":
        guard let recovered = around.recoveredAt, recovered < start else { continue }
        return Violation(
          .noOrderFailsAfterHealing,
          [
            "\(order)",
            "everything had recovered \(recovered.nanoseconds / 1_000_000) ms after the start, before it was made",
          ])
      default: break
      }
      return Violation(.failureApplies, ["\(order)", "nothing of that kind was so while it waited"])
    }
    return nil
  }
}
