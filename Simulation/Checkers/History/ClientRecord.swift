public import FoundationEssentials
public import Seams

/// One request as its client saw it, from the first attempt to the last.
public struct ClientRecord: Sendable {
  /// What was asked.
  public enum Operation: Sendable, Hashable {
    case reserve(orderId: UUID, lines: [Line])
    case confirm(reservationId: UUID)
    case release(reservationId: UUID)
    case releaseOrder(orderId: UUID)
    case put(productId: UUID, quantity: Int, version: Int)
    case replenish(productId: UUID, quantity: Int, key: String)
    case readItem(productId: UUID)
    case readItems(productIds: [UUID])
    case readReservation(reservationId: UUID)
    case readAggregate(Aggregate)
    case expire
  }

  /// What is asked of the inventory as a whole.
  public enum Aggregate: Sendable, Hashable {
    case lowStock(threshold: Int, limit: Int)
    case mostReserved(limit: Int)
    case stats
  }

  /// A line that was asked for.
  public struct Line: Sendable, Hashable {
    public var productId: UUID
    public var quantity: Int

    public init(productId: UUID, quantity: Int) {
      self.productId = productId
      self.quantity = quantity
    }
  }

  /// The answer, as far as checkers look into it.
  public struct Answer: Sendable, Hashable {
    public var status: Int
    /// The problem's code, for an error.
    public var code: String?
    public var reservationId: UUID?
    public var orderId: UUID?
    public var reservationStatus: String?
    public var item: ItemRow?
    /// The version a conflict names.
    public var currentVersion: Int?
    public var shortages: [Shortage] = []
    /// The products that a `product_not_found` names.
    public var unknownProducts: [UUID] = []
    /// The reserved units that a `quantity_below_reserved` names.
    public var reserved: Int?
    /// The items of an aggregate or of a read of several.
    public var items: [ItemRow]?
    public var stats: Stats?
    /// Reservations that the expiry job expired, and their units.
    public var expired: Int?
    public var unitsReturned: Int?
    /// Whether it says that all of it came from the cache.
    public var isFromCache = false

    public init(status: Int) {
      self.status = status
    }
  }

  /// The answer to `/inventory/stats`.
  public struct Stats: Sendable, Hashable {
    public var products: Int
    public var quantity: Int
    public var reserved: Int
    public var available: Int
    public var soldOut: Int
    public var pendingReservations: Int

    public init(
      products: Int, quantity: Int, reserved: Int, available: Int, soldOut: Int, pendingReservations: Int
    ) {
      self.products = products
      self.quantity = quantity
      self.reserved = reserved
      self.available = available
      self.soldOut = soldOut
      self.pendingReservations = pendingReservations
    }
  }

  /// A line of an `insufficient_stock`.
  public struct Shortage: Sendable, Hashable {
    public var productId: UUID
    public var requested: Int
    public var available: Int

    public init(productId: UUID, requested: Int, available: Int) {
      self.productId = productId
      self.requested = requested
      self.available = available
    }
  }

  public var client: String
  public var operation: Operation
  /// Virtual time at which the attempt that was answered was sent.
  public var start: MonotonicInstant
  /// Virtual time at which its answer came.
  public var end: MonotonicInstant
  /// Attempts, the answered one included.
  public var attempts: Int
  public var answer: Answer
  /// Whether every fault had healed before the request began.
  public var afterHealing: Bool

  public init(
    client: String, operation: Operation, start: MonotonicInstant, end: MonotonicInstant, attempts: Int,
    answer: Answer, afterHealing: Bool
  ) {
    self.client = client
    self.operation = operation
    self.start = start
    self.end = end
    self.attempts = attempts
    self.answer = answer
    self.afterHealing = afterHealing
  }
}
