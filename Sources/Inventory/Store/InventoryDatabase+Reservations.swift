import FoundationEssentials
import Seams
import ServiceKit

/// What became of a request to end a reservation.
enum EndOutcome: Sendable, Hashable {
  /// The reservation as it now stands, changed by this request or before it.
  case reservation(Reservation)
  /// There is no such reservation.
  case notFound
}

extension InventoryDatabase {
  /// A reservation, `nil` when there is none.
  func reservation(_ id: UUID, deadline: MonotonicInstant) async throws -> Reservation? {
    try Reservation.list(rows: try await read(ReservationSQL.reservation(id), deadline: deadline)).first
  }

  /// Lets the stock of a pending reservation leave, unless its time has run out.
  func confirm(_ id: UUID, correlationId: UUID, deadline: MonotonicInstant) async throws -> EndOutcome {
    try await end(id, by: ReservationSQL.confirm(id), deadline: deadline) { reservation in
      [
        StockSQL.removeConfirmed(reservation: id), StockSQL.insertConfirmedMovements(reservation: id),
        OutboxSQL.insert([InventoryEvent.confirmed(reservation, id: ids.next(), correlationId: correlationId)]),
      ]
    }
  }

  /// Returns the stock of a pending reservation.
  func release(
    _ id: UUID, reason: ReleaseReason, correlationId: UUID, deadline: MonotonicInstant
  ) async throws -> EndOutcome {
    try await end(id, by: ReservationSQL.release(id), deadline: deadline) { reservation in
      [
        StockSQL.returnReserved(reservation: id),
        OutboxSQL.insert([
          InventoryEvent.released(reservation, reason: reason, id: ids.next(), correlationId: correlationId)
        ]),
      ]
    }
  }

  /// Returns the stock of an order, whose reservation may be unknown to the caller or be yet to come: then a released
  /// one is stored in its place.
  func release(
    orderId: UUID, reason: ReleaseReason, correlationId: UUID, deadline: MonotonicInstant
  ) async throws -> Reservation {
    let newId = ids.next()
    let reservation = try await transaction(deadline: deadline) { connection, _ in
      // The insert waits for a reserve of the same order that has not committed yet. Reservations are never deleted:
      // after it there is one.
      let answers = try await connection.executeBatch(
        [
          TransactionSQL.begin, ReservationSQL.insertReleased(newId, orderId: orderId),
          ReservationSQL.reservations(ofOrders: [orderId]), TransactionSQL.commit,
        ], deadline: deadline)
      return try Reservation.list(rows: answers[2].rows).first
    }
    guard let reservation else { throw MissingRow("the reservation of order \(orderId.canonicalText)") }
    guard reservation.status == .pending else { return reservation }
    switch try await release(reservation.id, reason: reason, correlationId: correlationId, deadline: deadline) {
    case .reservation(let ended): return ended
    case .notFound: throw MissingRow("reservation \(reservation.id.canonicalText)")
    }
  }

  /// Ends a pending reservation by `change`, whose row count decides, and writes what follows from it.
  private func end(
    _ id: UUID, by change: SQLStatement, deadline: MonotonicInstant,
    writes: (Reservation) -> [SQLStatement]
  ) async throws -> EndOutcome {
    try await changeStock(deadline: deadline) { connection, _, changed in
      let answers = try await connection.executeBatch(
        [
          TransactionSQL.begin, StockSQL.lockItems(ofReservation: id), change, ReservationSQL.reservation(id),
        ], deadline: deadline)
      guard let reservation = try Reservation.list(rows: answers[3].rows).first else { return .notFound }
      if answers[2].rowCount == 1 {
        changed += reservation.lines.map(\.productId)
        _ = try await connection.executeBatch(writes(reservation) + [TransactionSQL.commit], deadline: deadline)
        bell.ring()
      } else {
        _ = try await connection.execute(TransactionSQL.commit, deadline: deadline)
      }
      return .reservation(reservation)
    }
  }
}
