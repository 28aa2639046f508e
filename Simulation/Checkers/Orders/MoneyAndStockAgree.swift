public import FoundationEssentials

/// Rule 4: at rest an order is confirmed with its reservation confirmed and exactly one capture, or it came to nothing with
/// nothing held and nothing captured that was not given back.
public struct MoneyAndStockAgree: Checker {
  /// An order at rest, with what the inventory and the payment provider have of it.
  public struct Case: Sendable, Hashable, CustomStringConvertible {
    /// The order.
    public var orderId: UUID
    /// Its state: `CONFIRMED`, `FAILED`, `CANCELLED`, or one that is not final.
    public var status: String
    /// The state of its reservation; `nil` when it has none.
    public var reservation: String?
    /// The states of its payments: `captured`, `refunded`.
    public var payments: [String]

    /// A case.
    public init(orderId: UUID, status: String, reservation: String?, payments: [String]) {
      self.orderId = orderId
      self.status = status
      self.reservation = reservation
      self.payments = payments
    }

    /// The order, its reservation and its payments in one line.
    public var description: String {
      "order \(orderId.uuidString.lowercased()) is \(status), its reservation \(reservation ?? "missing"), "
        + "its payments: \(payments.isEmpty ? "none" : payments.joined(separator: ", "))"
    }
  }

  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.moneyAndStockAgree]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges orders at rest.
  public func judgeAtRest(_ cases: [Case]) -> Violation? {
    let wrong = cases.filter { !Self.agrees($0) }
    return wrong.isEmpty ? nil : Violation(.moneyAndStockAgree, wrong.prefix(5).map(\.description))
  }

  private static func agrees(_ order: Case) -> Bool {
    switch order.status {
    case "CONFIRMED": order.reservation == "confirmed" && order.payments == ["captured"]
    case "FAILED", "CANCELLED":
      order.reservation != "confirmed" && order.reservation != "pending"
        && order.payments.allSatisfy { $0 == "refunded" }
    default: false
    }
  }
}
