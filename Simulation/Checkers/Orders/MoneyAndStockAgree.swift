public import FoundationEssentials

/// Rule 4: an order is confirmed with its reservation confirmed and exactly one capture, or it came to nothing with nothing
/// held and nothing captured that was not given back. It holds from the commit that ends the order on.
public struct MoneyAndStockAgree: OrderChecker, Sendable {
  /// An order, with what the inventory and the payment provider have of it.
  public struct Case: Sendable, Hashable, CustomStringConvertible {
    /// The order.
    public var orderId: UUID
    /// Its state: `CONFIRMED`, `FAILED`, `CANCELLED`, or one that is not final.
    public var status: String
    /// The state of its reservation; `nil` when it has none.
    public var reservation: String?
    /// Whether the reservation holds the order's lines, no more and no less.
    public var holdsItsLines: Bool
    /// The states of its payments: `captured`, `refunded`.
    public var payments: [String]
    /// Whether what was captured is what the order costs, which is what its lines cost.
    public var amountsAgree: Bool

    /// A case.
    public init(
      orderId: UUID, status: String, reservation: String?, holdsItsLines: Bool = true, payments: [String],
      amountsAgree: Bool = true
    ) {
      self.orderId = orderId
      self.status = status
      self.reservation = reservation
      self.holdsItsLines = holdsItsLines
      self.payments = payments
      self.amountsAgree = amountsAgree
    }

    /// The order, its reservation and its payments in one line.
    public var description: String {
      "order \(orderId.uuidString.lowercased()) is \(status), its reservation \(reservation ?? "missing")"
        + "\(holdsItsLines ? "" : " with other lines"), "
        + "its payments: \(payments.isEmpty ? "none" : payments.joined(separator: ", "))"
        + "\(amountsAgree ? "" : ", of other amounts")"
    }
  }

  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.moneyAndStockAgree]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges the orders that `commit` ends.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    let ended = commit.orders.compactMap(\.new).filter(\.isFinal)
    return ended.isEmpty ? nil : judge(ended.map { Self.order($0, shadow, around) })
  }

  /// Judges every order.
  public func judgeAtRest(_ shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    judge(shadow.ids.compactMap { shadow.orders[$0] }.map { Self.order($0, shadow, around) })
  }

  /// Judges orders that are over.
  public func judge(_ cases: [Case]) -> Violation? {
    let wrong = cases.filter { !Self.agrees($0) }
    return wrong.isEmpty ? nil : Violation(.moneyAndStockAgree, wrong.prefix(5).map(\.description))
  }

  private static func order(_ row: OrderRow, _ shadow: OrdersShadow, _ around: OrderSurroundings) -> Case {
    let reservation = around.stock.reservation(ofOrder: row.id)
    let wanted = Set((shadow.items[row.id] ?? []).map { LineKey(product: $0.productId, quantity: $0.quantity) })
    let price = (shadow.items[row.id] ?? []).reduce(0) { $0 + $1.quantity * $1.unitPrice }
    let payments = around.payments(row.id)
    let held = reservation.flatMap { around.stock.lines[$0] } ?? []
    return Case(
      orderId: row.id, status: row.status, reservation: reservation.flatMap { around.stock.reservations[$0]?.status },
      holdsItsLines: Set(held.map { LineKey(product: $0.productId, quantity: $0.quantity) }) == wanted,
      payments: payments.map(\.status),
      amountsAgree: row.total == price && payments.allSatisfy { $0.amount == row.total })
  }

  private struct LineKey: Hashable {
    var product: UUID
    var quantity: Int
  }

  private static func agrees(_ order: Case) -> Bool {
    switch order.status {
    case "CONFIRMED":
      order.reservation == "confirmed" && order.holdsItsLines && order.payments == ["captured"] && order.amountsAgree
    case "FAILED", "CANCELLED":
      order.reservation != "confirmed" && order.reservation != "pending"
        && order.payments.allSatisfy { $0 == "refunded" }
    default: false
    }
  }
}
