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
    /// The product that is wanted.
    public var productId: UUID
    /// Units of it.
    public var quantity: Int

    /// A line of `quantity` units of `productId`.
    public init(productId: UUID, quantity: Int) {
      self.productId = productId
      self.quantity = quantity
    }
  }

  /// The answer, as far as checkers look into it.
  public struct Answer: Sendable, Hashable {
    /// The HTTP status.
    public var status: Int
    /// The problem's code, for an error.
    public var code: String?
    /// The reservation that the answer is about.
    public var reservationId: UUID?
    /// The order that the reservation is for.
    public var orderId: UUID?
    /// The status of the reservation, in an answer or in a refusal that names it.
    public var reservationStatus: String?
    /// The item that the answer shows.
    public var item: ItemRow?
    /// The version a conflict names.
    public var currentVersion: Int?
    /// The lines that an `insufficient_stock` names.
    public var shortages: [Shortage] = []
    /// The products that a `product_not_found` names.
    public var unknownProducts: [UUID] = []
    /// The reserved units that a `quantity_below_reserved` names.
    public var reserved: Int?
    /// The items of an aggregate or of a read of several.
    public var items: [ItemRow]?
    /// What `/inventory/stats` said.
    public var stats: Stats?
    /// Reservations that the expiry job expired, and their units.
    public var expired: Int?
    /// Units that came back with them.
    public var unitsReturned: Int?
    /// Whether it says that all of it came from the cache.
    public var isFromCache = false

    /// An answer of `status` that tells nothing else yet.
    public init(status: Int) {
      self.status = status
    }
  }

  /// The answer to `/inventory/stats`.
  public struct Stats: Sendable, Hashable {
    /// Products there are.
    public var products: Int
    /// Units on hand, of all products together.
    public var quantity: Int
    /// Units that are reserved, of all products together.
    public var reserved: Int
    /// Units that can be reserved, of all products together.
    public var available: Int
    /// Products of which nothing is available.
    public var soldOut: Int
    /// Reservations that hold stock.
    public var pendingReservations: Int

    /// Statistics with these figures.
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
    /// The product that is short.
    public var productId: UUID
    /// Units that the line asked for.
    public var requested: Int
    /// Units that could be had.
    public var available: Int

    /// A line that asked for `requested` units where `available` were to be had.
    public init(productId: UUID, requested: Int, available: Int) {
      self.productId = productId
      self.requested = requested
      self.available = available
    }
  }

  /// The client's name.
  public var client: String
  /// What it asked.
  public var operation: Operation
  /// Virtual time at which the attempt that was answered was sent.
  public var start: MonotonicInstant
  /// Virtual time at which its answer came.
  public var end: MonotonicInstant
  /// Attempts, the answered one included.
  public var attempts: Int
  /// What came back.
  public var answer: Answer
  /// Whether every fault had healed before the request began.
  public var afterHealing: Bool

  /// The record of a request that was answered; see each member.
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
