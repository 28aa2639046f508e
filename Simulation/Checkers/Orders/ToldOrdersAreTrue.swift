public import FoundationEssentials
public import Seams

/// What a client is told of an order was so while it waited for the answer, and a cancel that was accepted is stored.
public struct ToldOrdersAreTrue: Checker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.toldOrderWasSo, .acceptedCancelIsStored]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges an answer that names an order's state, at the moment it arrives.
  ///
  /// - Parameters:
  ///   - status: the state that was told.
  ///   - start: when the request was sent.
  ///   - end: when its answer arrived.
  public func judge(
    order id: UUID, told status: String, from start: MonotonicInstant, to end: MonotonicInstant,
    in shadow: OrdersShadow
  ) -> Violation? {
    let states = shadow.statuses(of: id, from: start, to: end)
    guard !states.contains(status) else { return nil }
    return Violation(
      .toldOrderWasSo,
      ["order \(id.uuidString.lowercased()) was told to be \(status), and was \(states.joined(separator: ", "))"])
  }

  /// Judges an accepted cancel at the moment its answer arrives: it is noted, or the order was being undone already.
  ///
  /// - Parameter start: when the request was sent.
  public func judge(cancelOf id: UUID, since start: MonotonicInstant, in shadow: OrdersShadow) -> Violation? {
    guard let order = shadow.orders[id] else {
      return Violation(.acceptedCancelIsStored, ["order \(id.uuidString.lowercased()) is not there"])
    }
    let wasUndone = order.status == "FAILED" && (shadow.endedAt(id) ?? start) >= start
    let isStored =
      order.stopReason == "cancelled" || order.status == "CANCELLED" || order.sagaState == "compensating" || wasUndone
    return isStored ? nil : Violation(.acceptedCancelIsStored, ["\(order)"])
  }
}
