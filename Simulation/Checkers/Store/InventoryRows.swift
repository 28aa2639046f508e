public import FoundationEssentials
public import Seams

/// A row of `inventory_items`.
public struct ItemRow: Sendable, Hashable, CustomStringConvertible {
  public var productId: UUID
  public var quantity: Int
  public var reserved: Int
  public var version: Int

  public init(productId: UUID, quantity: Int, reserved: Int, version: Int) {
    self.productId = productId
    self.quantity = quantity
    self.reserved = reserved
    self.version = version
  }

  public var available: Int { quantity - reserved }

  public var description: String {
    "inventory_items \(productId): quantity \(quantity), reserved \(reserved), version \(version)"
  }
}

/// A row of `reservations`.
public struct ReservationRow: Sendable, Hashable, CustomStringConvertible {
  public var id: UUID
  public var orderId: UUID
  public var status: String
  public var expiresAt: Timestamp
  public var updatedAt: Timestamp

  public init(id: UUID, orderId: UUID, status: String, expiresAt: Timestamp, updatedAt: Timestamp) {
    self.id = id
    self.orderId = orderId
    self.status = status
    self.expiresAt = expiresAt
    self.updatedAt = updatedAt
  }

  public var isPending: Bool { status == "pending" }

  public var description: String {
    "reservations \(id): order \(orderId), \(status), expires \(expiresAt), updated \(updatedAt)"
  }
}

/// A row of `reservation_items`.
public struct LineRow: Sendable, Hashable, CustomStringConvertible {
  public var reservationId: UUID
  public var productId: UUID
  public var quantity: Int

  public init(reservationId: UUID, productId: UUID, quantity: Int) {
    self.reservationId = reservationId
    self.productId = productId
    self.quantity = quantity
  }

  public var description: String { "reservation_items \(reservationId): \(quantity) of \(productId)" }
}

/// A row of `stock_movements`.
public struct MovementRow: Sendable, Hashable, CustomStringConvertible {
  public var productId: UUID
  public var delta: Int
  public var reason: String
  public var ref: String

  public init(productId: UUID, delta: Int, reason: String, ref: String) {
    self.productId = productId
    self.delta = delta
    self.reason = reason
    self.ref = ref
  }

  public var description: String { "stock_movements \(productId): \(delta), \(reason), ref \(ref)" }
}

/// A row of `outbox`.
public struct OutboxRow: Sendable, Hashable, CustomStringConvertible {
  public var id: UUID
  public var type: String
  public var subject: String
  public var sequence: Int

  public init(id: UUID, type: String, subject: String, sequence: Int) {
    self.id = id
    self.type = type
    self.subject = subject
    self.sequence = sequence
  }

  public var description: String { "outbox \(id): \(type) of \(subject), sequence \(sequence)" }
}

/// How one transaction changed one row: inserted (`old` is `nil`), updated or deleted (`new` is `nil`).
public struct RowPair<Row: Sendable & Hashable>: Sendable, Hashable {
  public var old: Row?
  public var new: Row?

  public init(old: Row?, new: Row?) {
    self.old = old
    self.new = new
  }
}

/// What one transaction changed, net, in the inventory's tables.
public struct StoreCommit: Sendable, Hashable {
  /// Virtual time of the commit.
  public var time: MonotonicInstant
  public var items: [RowPair<ItemRow>] = []
  public var reservations: [RowPair<ReservationRow>] = []
  public var lines: [RowPair<LineRow>] = []
  public var movements: [RowPair<MovementRow>] = []
  public var outbox: [OutboxRow] = []

  /// A commit that changed nothing yet.
  public init(time: MonotonicInstant) {
    self.time = time
  }
}
