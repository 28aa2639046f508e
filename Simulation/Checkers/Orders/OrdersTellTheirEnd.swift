internal import FoundationEssentials

/// Rule 5, as far as the tables: the transaction that makes an order writes its first event, the one that ends it writes the
/// last one and the customer's notification, and no other writes either.
public struct OrdersTellTheirEnd: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.orderTellsItsEnd]

  /// A checker; it keeps nothing.
  public init() {}

  private struct Told: Hashable, Comparable, CustomStringConvertible {
    var order: String
    var sequence: Int
    var type: String

    var description: String { "\(type) of order \(order), sequence \(sequence)" }

    static func < (left: Told, right: Told) -> Bool {
      (left.order, left.sequence, left.type) < (right.order, right.sequence, right.type)
    }
  }

  /// Compares what `commit` tells with what its changes call for.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    var events: [Told] = []
    var notifications: [String] = []
    for change in commit.orders {
      guard let new = change.new else { continue }
      let order = Self.text(new.id)
      if change.old == nil { events.append(Told(order: order, sequence: 1, type: "OrderCreated")) }
      guard new.isFinal, change.old?.isFinal != true else { continue }
      let word = new.status.prefix(1) + new.status.dropFirst().lowercased()
      events.append(Told(order: order, sequence: 2, type: "Order" + word))
      notifications.append("order_\(new.status.lowercased()) of order \(order)")
    }
    let written = commit.outbox.map {
      Told(order: $0.subject.lowercased(), sequence: $0.sequence, type: $0.type)
    }
    if events.sorted() != written.sorted() {
      return Violation(
        .orderTellsItsEnd,
        ["called for: \(Self.list(events.map(\.description)))", "written: \(Self.list(written.map(\.description)))"])
    }
    let told = commit.notifications.map { "\($0.type) of order \(Self.text($0.orderId))" }
    if notifications.sorted() != told.sorted() {
      return Violation(
        .orderTellsItsEnd, ["called for: \(Self.list(notifications))", "notifications: \(Self.list(told))"])
    }
    return nil
  }

  private static func text(_ id: UUID) -> String { id.uuidString.lowercased() }

  private static func list(_ texts: [String]) -> String { texts.isEmpty ? "nothing" : texts.joined(separator: "; ") }
}
