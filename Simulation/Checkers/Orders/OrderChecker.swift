public import FoundationEssentials
public import Seams

/// What there is around the orders' tables: the stock, the money, and what was published.
public struct OrderSurroundings {
  /// The inventory's committed tables.
  public var stock: InventoryShadow
  /// The events that the inventory has committed, in their order.
  public var stockEvents: [OutboxRow] = []
  /// The states of an order's payments: `captured`, `refunded`.
  public var payments: (UUID) -> [String]
  /// When the system had recovered from its faults; `nil` while it has not.
  public var recoveredAt: MonotonicInstant?
  /// The ids of the events that reached a queue which takes all, in the order of their arrival; known at rest.
  public var published: [UUID] = []
  /// The types of the notifications that reached their receiver, by their ids; known at rest.
  public var told: [UUID: String] = [:]
  /// Events that somebody else published.
  public var foreign: Set<UUID> = []
  /// The messages that wait in queues of the orders' consumers, by queue; known at rest.
  public var waiting: [(queue: String, count: Int)] = []
  /// The types of the events that the orders' consumer handles.
  public var handledTypes: Set<String> = []

  /// Surroundings of empty queues.
  public init(stock: InventoryShadow, payments: @escaping (UUID) -> [String]) {
    self.stock = stock
    self.payments = payments
  }
}

/// An invariant on the orders' committed tables and what is around them: it holds after every commit, or when everything
/// has come to rest.
public protocol OrderChecker: Checker {
  /// Judges the tables after `commit`, which is already in `shadow`.
  func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation?
  /// Judges the tables once every order has come to its end and nothing is under way.
  func judgeAtRest(_ shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation?
}

extension OrderChecker {
  /// Finds nothing: for checkers that judge at rest only.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? { nil }
  /// Finds nothing: for checkers that judge commits only.
  public func judgeAtRest(_ shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? { nil }
}

/// Every invariant on orders.
public enum OrderCheckers {
  /// One of each, in the order in which they judge a commit.
  public static let all: [any OrderChecker & Sendable] = [
    OrderStatesAreLegal(), MoneyAndStockAgree(), OrdersTellTheirEnd(), FailuresHaveReasons(), EventsArePublished(),
    DeliveriesTakeEffectOnce(), CustomersAreTold(),
  ]
}
