internal import FoundationEssentials

/// CONTRACT, "Orders": a customer is notified of every final state. At rest every notification that was written has
/// arrived, and what arrived was written.
public struct CustomersAreTold: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.customerIsTold]

  /// A checker; it keeps nothing.
  public init() {}

  /// Compares the rows with what the receiver has.
  public func judgeAtRest(_ shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    let untold = shadow.notifications.values.filter { around.told[$0.id] != $0.type }.sorted { $0.id < $1.id }
    guard untold.isEmpty else {
      return Violation(
        .customerIsTold,
        untold.prefix(5).map { "\($0), arrived: \(around.told[$0.id] ?? "nothing")" })
    }
    let unknown = around.told.keys.filter { shadow.notifications[$0] == nil }.sorted()
    return unknown.isEmpty
      ? nil : Violation(.customerIsTold, unknown.prefix(5).map { "notification \($0) arrived and was never written" })
  }
}
