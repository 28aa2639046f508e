import FoundationEssentials
import Seams
import ServiceKit

/// What the expiry job did.
package struct ExpiryResult: Sendable, Hashable {
  /// Reservations that expired.
  package var expired = 0
  /// Units that returned.
  package var unitsReturned = 0
}

extension InventoryDatabase {
  /// Expires every reservation that is due, in batches. Several instances may do so at once: the items' locks and the
  /// guarded take give each reservation to one of them.
  ///
  /// - Parameter batchSize: the most reservations in one transaction, which bounds how long it holds item rows.
  func expireDue(
    batchSize: Int, correlationId: UUID, deadline: MonotonicInstant
  ) async throws -> ExpiryResult {
    var total = ExpiryResult()
    while true {
      let due: [UUID] = try await read(ReservationSQL.due(limit: batchSize), deadline: deadline)
        .map { try $0.decode("id") }
      if due.isEmpty { return total }
      let batch = try await expire(due, correlationId: correlationId, deadline: deadline)
      total.expired += batch.expired
      total.unitsReturned += batch.unitsReturned
      // Nothing of it could be taken: rivals have it, and will finish it.
      if batch.expired == 0 || due.count < batchSize { return total }
    }
  }

  private func expire(_ due: [UUID], correlationId: UUID, deadline: MonotonicInstant) async throws -> ExpiryResult {
    // A run whose commit was ambiguous may have expired some, which the next run does not take again: it reads back
    // which of them are expired now. One that a rival expired in between is counted by both; rows are never wrong.
    var uncertain: [Reservation] = []
    return try await changeStock(deadline: deadline) { connection, _, changed in
      let answers = try await connection.executeBatch(
        [
          TransactionSQL.begin, StockSQL.lockItems(ofReservations: due), ReservationSQL.takeDue(due),
          ReservationSQL.reservations(due),
        ], deadline: deadline)
      let taken = Set(try answers[2].rows.map { try $0.decode("id", as: UUID.self) })
      let all = try Reservation.list(rows: answers[3].rows)
      let reservations = all.filter { taken.contains($0.id) }
      let earlier = Set(all.filter { $0.status == .expired }.map(\.id))
      var result = ExpiryResult()
      for reservation in reservations + uncertain.filter({ earlier.contains($0.id) }) {
        result.expired += 1
        result.unitsReturned += reservation.lines.reduce(0) { $0 + $1.quantity }
      }
      if reservations.isEmpty {
        _ = try await connection.execute(TransactionSQL.commit, deadline: deadline)
        return result
      }
      changed += reservations.flatMap(\.lines).map(\.productId)
      do {
        _ = try await connection.executeBatch(
          expiryWrites(reservations, correlationId: correlationId), deadline: deadline)
      } catch let error as SQLError where error.commitMayHaveTakenEffect {
        uncertain = reservations + uncertain.filter { !taken.contains($0.id) }
        throw error
      }
      bell.ring()
      return result
    }
  }

  private func expiryWrites(_ reservations: [Reservation], correlationId: UUID) -> [SQLStatement] {
    var unitsOfProduct: [UUID: (units: Int, changes: Int)] = [:]
    for line in reservations.flatMap(\.lines) {
      unitsOfProduct[line.productId, default: (0, 0)].units += line.quantity
      unitsOfProduct[line.productId, default: (0, 0)].changes += 1
    }
    let products = unitsOfProduct.keys.sorted()
    return [
      ReservationSQL.expire(reservations.map(\.id)),
      StockSQL.addReserved(
        productIds: products, units: products.map { -(unitsOfProduct[$0]?.units ?? 0) },
        changes: products.map { unitsOfProduct[$0]?.changes ?? 0 }),
      OutboxSQL.insert(
        reservations.map { InventoryEvent.released($0, reason: .expired, id: ids.next(), correlationId: correlationId) }
      ),
      TransactionSQL.commit,
    ]
  }
}
