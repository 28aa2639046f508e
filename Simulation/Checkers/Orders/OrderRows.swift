public import FoundationEssentials
public import Seams

/// A row of `orders`, as far as it is judged.
public struct OrderRow: Sendable, Hashable, CustomStringConvertible {
  /// The order, which is the key.
  public var id: UUID
  /// `PENDING`, `RESERVED`, `PAID`, `CONFIRMED`, `FAILED` or `CANCELLED`.
  public var status: String
  /// `forward`, `compensating`, `done` or `stuck`.
  public var sagaState: String
  /// `reserve`, `charge`, `confirm`, `refund` or `release`.
  public var sagaStep: String
  /// Why it failed; `nil` while it did not.
  public var failureCode: String?
  /// What it is to be paid with, which says what the payments sandbox does.
  public var paymentToken: String
  /// What asked its saga to turn round: `cancelled` or `expired`; `nil` when nothing did.
  public var stopReason: String?
  /// What it costs, in minor units.
  public var total: Int
  /// Rises with each claim of its saga.
  public var leaseNumber: Int
  /// Until when its saga belongs to somebody, or rests; `nil` when there is nothing more to do.
  public var leaseUntil: Timestamp?

  /// A row with these values.
  public init(
    id: UUID, status: String, sagaState: String, sagaStep: String = "reserve", failureCode: String? = nil,
    paymentToken: String = "tok_ok", stopReason: String? = nil, total: Int = 0,
    leaseNumber: Int = 1, leaseUntil: Timestamp? = nil
  ) {
    self.id = id
    self.status = status
    self.sagaState = sagaState
    self.sagaStep = sagaStep
    self.failureCode = failureCode
    self.paymentToken = paymentToken
    self.stopReason = stopReason
    self.total = total
    self.leaseNumber = leaseNumber
    self.leaseUntil = leaseUntil
  }

  /// Whether the order has come to its end.
  public var isFinal: Bool { ["CONFIRMED", "FAILED", "CANCELLED"].contains(status) }

  /// The table, the key and the other columns, for evidence.
  public var description: String {
    "orders \(id): \(status), saga \(sagaState) at \(sagaStep), failure \(failureCode ?? "none"), paid with \(paymentToken), "
      + "stopped by \(stopReason ?? "nothing")"
  }
}

/// A row of `order_items`.
public struct OrderItemRow: Sendable, Hashable {
  /// The order that the line is part of.
  public var orderId: UUID
  /// The product that is ordered.
  public var productId: UUID
  /// Units of it.
  public var quantity: Int
  /// What a unit costs, in minor units.
  public var unitPrice: Int

  /// A row with these values.
  public init(orderId: UUID, productId: UUID, quantity: Int, unitPrice: Int = 0) {
    self.orderId = orderId
    self.productId = productId
    self.quantity = quantity
    self.unitPrice = unitPrice
  }
}

/// A row of `order_history`.
public struct OrderHistoryRow: Sendable, Hashable {
  /// The order.
  public var orderId: UUID
  /// The state that it entered.
  public var status: String

  /// A row with these values.
  public init(orderId: UUID, status: String) {
    self.orderId = orderId
    self.status = status
  }
}

/// A row of `notifications`, as far as it is judged.
public struct NotificationRow: Sendable, Hashable, CustomStringConvertible {
  /// The notification, which is the key.
  public var id: UUID
  /// The order that it is about.
  public var orderId: UUID
  /// `order_confirmed`, `order_failed` or `order_cancelled`.
  public var type: String

  /// A row with these values.
  public init(id: UUID, orderId: UUID, type: String) {
    self.id = id
    self.orderId = orderId
    self.type = type
  }

  /// The table, the key and the other columns, for evidence.
  public var description: String { "notifications \(id): \(type) of order \(orderId)" }
}

/// A row of `inbox`, as far as it is judged.
public struct InboxRow: Sendable, Hashable, CustomStringConvertible {
  /// The event that was received, which is the key.
  public var eventId: UUID
  /// How often its handling was begun.
  public var attempts: Int
  /// When it took effect; `nil` while it did not.
  public var processedAt: Timestamp?
  /// When it was given up; `nil` while it was not.
  public var deadAt: Timestamp?

  /// A row with these values.
  public init(eventId: UUID, attempts: Int, processedAt: Timestamp? = nil, deadAt: Timestamp? = nil) {
    self.eventId = eventId
    self.attempts = attempts
    self.processedAt = processedAt
    self.deadAt = deadAt
  }

  /// The table, the key and the other columns, for evidence.
  public var description: String {
    "inbox \(eventId): attempts \(attempts), processed \(processedAt.map { "\($0)" } ?? "never"), "
      + "dead \(deadAt.map { "since \($0)" } ?? "no")"
  }
}

/// A row of `dead_letters`, as far as it is judged.
public struct DeadLetterRow: Sendable, Hashable, CustomStringConvertible {
  /// The letter, which is the key.
  public var id: UUID
  /// The event that it holds; `nil` when the message is none.
  public var eventId: UUID?
  /// Why it was given up.
  public var reason: String
  /// What became of it; `nil` while nobody has resolved it.
  public var resolution: String?

  /// A row with these values.
  public init(id: UUID, eventId: UUID?, reason: String, resolution: String? = nil) {
    self.id = id
    self.eventId = eventId
    self.reason = reason
    self.resolution = resolution
  }

  /// The table, the key and the other columns, for evidence.
  public var description: String {
    "dead_letters \(id): event \(eventId?.description ?? "none"), \(reason), \(resolution ?? "open")"
  }
}

/// What one transaction changed, net, in the orders' tables.
public struct OrdersCommit: Sendable, Hashable {
  /// Virtual time of the commit.
  public var time: MonotonicInstant
  /// Changes of `orders`.
  public var orders: [RowPair<OrderRow>] = []
  /// Rows that were added to `order_items`.
  public var items: [OrderItemRow] = []
  /// Rows that were added to `order_history`.
  public var history: [OrderHistoryRow] = []
  /// Rows that were added to `notifications`.
  public var notifications: [NotificationRow] = []
  /// Rows that were added to `outbox`.
  public var outbox: [OutboxRow] = []
  /// Changes of `inbox`.
  public var inbox: [RowPair<InboxRow>] = []
  /// Changes of `dead_letters`.
  public var deadLetters: [RowPair<DeadLetterRow>] = []

  /// A commit that changed nothing yet.
  public init(time: MonotonicInstant) {
    self.time = time
  }
}
