public import FoundationEssentials
public import Seams

/// A row of `inventory_items`.
public struct ItemRow: Sendable, Hashable, CustomStringConvertible {
  /// The product, which is the key.
  public var productId: UUID
  /// Units on hand, the reserved ones included.
  public var quantity: Int
  /// Units that pending reservations hold.
  public var reserved: Int
  /// The number that rises with every change of the row.
  public var version: Int

  /// A row with these values.
  public init(productId: UUID, quantity: Int, reserved: Int, version: Int) {
    self.productId = productId
    self.quantity = quantity
    self.reserved = reserved
    self.version = version
  }

  /// Units that can be reserved.
  public var available: Int { quantity - reserved }

  /// The table, the key and the other columns, for evidence.
  public var description: String {
    "inventory_items \(productId): quantity \(quantity), reserved \(reserved), version \(version)"
  }
}

/// A row of `reservations`.
public struct ReservationRow: Sendable, Hashable, CustomStringConvertible {
  /// The reservation, which is the key.
  public var id: UUID
  /// The order that the stock is held for.
  public var orderId: UUID
  /// `pending`, `confirmed`, `released` or `expired`.
  public var status: String
  /// When it stops holding stock, by the database's clock.
  public var expiresAt: Timestamp
  /// The beginning of the transaction that changed it last, by the database's clock.
  public var updatedAt: Timestamp

  /// A row with these values.
  public init(id: UUID, orderId: UUID, status: String, expiresAt: Timestamp, updatedAt: Timestamp) {
    self.id = id
    self.orderId = orderId
    self.status = status
    self.expiresAt = expiresAt
    self.updatedAt = updatedAt
  }

  /// Whether it holds stock.
  public var isPending: Bool { status == "pending" }

  /// The table, the key and the other columns, for evidence.
  public var description: String {
    "reservations \(id): order \(orderId), \(status), expires \(expiresAt), updated \(updatedAt)"
  }
}

/// A row of `reservation_items`.
public struct LineRow: Sendable, Hashable, CustomStringConvertible {
  /// The reservation that the line is part of.
  public var reservationId: UUID
  /// The product that is held.
  public var productId: UUID
  /// Units of the product that the reservation holds.
  public var quantity: Int

  /// A row with these values.
  public init(reservationId: UUID, productId: UUID, quantity: Int) {
    self.reservationId = reservationId
    self.productId = productId
    self.quantity = quantity
  }

  /// The table, the key and the other columns, for evidence.
  public var description: String { "reservation_items \(reservationId): \(quantity) of \(productId)" }
}

/// A row of `stock_movements`.
public struct MovementRow: Sendable, Hashable, CustomStringConvertible {
  /// The product whose stock moved.
  public var productId: UUID
  /// Units that came, or left where it is negative.
  public var delta: Int
  /// Why stock moved: `initial`, `replenished`, `confirmed`, `adjusted`.
  public var reason: String
  /// What moved it: a reservation's id, a replenishment's key, or the mark of a write of the quantity.
  public var ref: String

  /// A row with these values.
  public init(productId: UUID, delta: Int, reason: String, ref: String) {
    self.productId = productId
    self.delta = delta
    self.reason = reason
    self.ref = ref
  }

  /// The table, the key and the other columns, for evidence.
  public var description: String { "stock_movements \(productId): \(delta), \(reason), ref \(ref)" }
}

/// A row of `outbox`.
public struct OutboxRow: Sendable, Hashable, CustomStringConvertible {
  /// The event, which is the key.
  public var id: UUID
  /// The event's type: `InventoryReserved`, `StockDepleted`, ….
  public var type: String
  /// What it tells of: the id of a reservation or a product, as text.
  public var subject: String
  /// Its number among the events of its subject.
  public var sequence: Int

  /// A row with these values.
  public init(id: UUID, type: String, subject: String, sequence: Int) {
    self.id = id
    self.type = type
    self.subject = subject
    self.sequence = sequence
  }

  /// The table, the key and the other columns, for evidence.
  public var description: String { "outbox \(id): \(type) of \(subject), sequence \(sequence)" }
}

/// How one transaction changed one row: inserted (`old` is `nil`), updated or deleted (`new` is `nil`).
public struct RowPair<Row: Sendable & Hashable>: Sendable, Hashable {
  /// The row before the transaction; `nil` when it was not there.
  public var old: Row?
  /// The row after the transaction; `nil` when it is gone.
  public var new: Row?

  /// A change of `old` into `new`.
  public init(old: Row?, new: Row?) {
    self.old = old
    self.new = new
  }
}

/// What one transaction changed, net, in the inventory's tables.
public struct StoreCommit: Sendable, Hashable {
  /// Virtual time of the commit.
  public var time: MonotonicInstant
  /// Changes of `inventory_items`.
  public var items: [RowPair<ItemRow>] = []
  /// Changes of `reservations`.
  public var reservations: [RowPair<ReservationRow>] = []
  /// Changes of `reservation_items`.
  public var lines: [RowPair<LineRow>] = []
  /// Changes of `stock_movements`.
  public var movements: [RowPair<MovementRow>] = []
  /// Rows that were added to `outbox`.
  public var outbox: [OutboxRow] = []

  /// A commit that changed nothing yet.
  public init(time: MonotonicInstant) {
    self.time = time
  }
}
