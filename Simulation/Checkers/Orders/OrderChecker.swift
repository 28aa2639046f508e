public import FoundationEssentials
public import Seams

/// An event as it reached a queue. The id of its message is its own, or it is another's.
public struct PublishedEvent: Sendable, Hashable, CustomStringConvertible {
  /// CloudEvents `id`.
  public var id: UUID
  /// CloudEvents `type`.
  public var type: String
  /// CloudEvents `subject`.
  public var subject: String
  /// CloudEvents `sequence`.
  public var sequence: Int

  /// An event with these attributes.
  public init(id: UUID, type: String, subject: String, sequence: Int) {
    self.id = id
    self.type = type
    self.subject = subject
    self.sequence = sequence
  }

  /// The attributes in one line.
  public var description: String { "event \(id): \(type) of \(subject), sequence \(sequence)" }
}

/// What there is around the orders' tables: the stock, the money, and what was published.
public struct OrderSurroundings {
  /// The inventory's committed tables.
  public var stock: InventoryShadow
  /// The events that the inventory has committed, in their order.
  public var stockEvents: [OutboxRow] = []
  /// The payments of an order: `captured` or `refunded`, and how much in minor units.
  public var payments: (UUID) -> [(status: String, amount: Int)]
  /// The civil time of the databases at instant 0.
  public var databaseEpoch = Timestamp(microsecondsSinceEpoch: 0)
  /// When the system had recovered from its faults; `nil` while it has not.
  public var recoveredAt: MonotonicInstant?
  /// The events that reached a queue which takes all, in the order of their arrival; known at rest.
  public var published: [PublishedEvent] = []
  /// The types of the notifications that reached their receiver, by their ids; known at rest.
  public var told: [UUID: String] = [:]
  /// Events that somebody else published.
  public var foreign: Set<UUID> = []
  /// The messages that wait in queues of the orders' consumers, by queue; known at rest.
  public var waiting: [(queue: String, count: Int)] = []
  /// The types of the events that the orders' consumer handles.
  public var handledTypes: Set<String> = []

  /// Surroundings of empty queues.
  public init(stock: InventoryShadow, payments: @escaping (UUID) -> [(status: String, amount: Int)]) {
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
    DeliveriesTakeEffectOnce(), CustomersAreTold(), StopsAreHeeded(), SagasHaveOneOwner(),
  ]
}
