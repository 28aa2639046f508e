package import FoundationEssentials
package import Seams

/// Decides a batch of reserve requests, one after the other in their order of arrival, on the rows that the batch's
/// transaction has locked.
///
/// It is a value and does no I/O: `decide` answers one request and notes what must be written for it. Since every item
/// row of the batch is locked and every reservation of its orders was read after that, its decisions are those that
/// the requests would have got one by one.
package struct StockLedger: Sendable {
  /// How the batch changes one item row.
  package struct ItemChange: Sendable, Hashable {
    /// The row as the batch leaves it.
    package var item: StockItem
    /// Units that the batch reserved.
    package var units: Int
    /// Reservations that hold these units; the version rises by one for each.
    package var reservations: Int
    /// The request that took the last unit, `nil` when there are units left.
    package var depletedBy: UUID?
  }

  /// A reservation that the batch makes.
  package struct Grant: Sendable, Hashable {
    package var reservation: Reservation
    package var correlationId: UUID
  }

  private let now: Timestamp
  private let held: Set<UUID>
  private var changes: [ItemChange]
  private var positionOfProduct: [UUID: Int]
  private var reservationOfOrder: [UUID: Reservation]
  /// The reservations to insert, in the order in which they were granted.
  package private(set) var grants: [Grant] = []

  /// A ledger on locked rows.
  ///
  /// - Parameters:
  ///   - items: the locked item rows; a product that is missing does not exist.
  ///   - reservations: those that the batch's orders have already.
  ///   - held: products that exist, but that somebody else holds.
  ///   - now: the transaction's time.
  package init(items: [StockItem], reservations: [Reservation], held: [UUID] = [], now: Timestamp) {
    self.now = now
    self.held = Set(held)
    changes = items.map { ItemChange(item: $0, units: 0, reservations: 0, depletedBy: nil) }
    positionOfProduct = Dictionary(minimumCapacity: items.count)
    for (position, item) in items.enumerated() { positionOfProduct[item.productId] = position }
    reservationOfOrder = Dictionary(minimumCapacity: reservations.count)
    for reservation in reservations { reservationOfOrder[reservation.orderId] = reservation }
  }

  /// The item rows to update, in the order in which they were locked.
  package var itemChanges: [ItemChange] { changes.filter { $0.units > 0 } }

  /// Whether a request cannot be decided before somebody else lets go of one of its products.
  package func mustWait(_ request: ReserveRequest) -> Bool {
    guard !held.isEmpty, reservationOfOrder[request.orderId] == nil else { return false }
    return request.lines.lines.contains { held.contains($0.productId) }
  }

  /// Decides one request that need not wait.
  ///
  /// - Parameter newId: makes the id of a reservation; called only when one is made.
  package mutating func decide(_ request: ReserveRequest, newId: () -> UUID) -> ReserveOutcome {
    if let existing = reservationOfOrder[request.orderId] {
      return StockLedger.repeated(request, of: existing)
    }
    let lines = request.lines.lines
    var missing: [UUID] = []
    var shortages: [Shortage] = []
    for line in lines {
      guard let position = positionOfProduct[line.productId] else {
        missing.append(line.productId)
        continue
      }
      let available = changes[position].item.available
      if available < line.quantity {
        shortages.append(Shortage(productId: line.productId, requested: line.quantity, available: available))
      }
    }
    guard missing.isEmpty else { return .productNotFound(missing) }
    guard shortages.isEmpty else { return .insufficientStock(shortages) }
    let reservation = Reservation(
      id: newId(), orderId: request.orderId, status: .pending,
      expiresAt: now.advanced(by: .seconds(request.timeToLiveSeconds)), lines: lines)
    for line in lines {
      take(line, for: request.correlationId)
    }
    reservationOfOrder[request.orderId] = reservation
    grants.append(Grant(reservation: reservation, correlationId: request.correlationId))
    return .reserved(reservation)
  }

  private mutating func take(_ line: ReservationLine, for correlationId: UUID) {
    guard let position = positionOfProduct[line.productId] else {
      preconditionFailure("a line was taken of a product that was not locked")
    }
    changes[position].item.reserved += line.quantity
    changes[position].item.version += 1
    changes[position].units += line.quantity
    changes[position].reservations += 1
    if changes[position].item.available == 0 { changes[position].depletedBy = correlationId }
  }

  /// The answer to a request whose order has a reservation: the same one for the same lines, as long as it holds stock.
  private static func repeated(_ request: ReserveRequest, of existing: Reservation) -> ReserveOutcome {
    // Before the lines are compared: one that was released before it was made has none.
    if existing.status == .released { return .released(existing) }
    if existing.lines != request.lines.lines { return .otherLines(existing) }
    if existing.hasExpired { return .expired(existing) }
    return .reserved(existing)
  }
}
