import FoundationEssentials
import Seams
import ServiceKit

extension InventoryDatabase {
  /// Decides a batch of reserve requests in one transaction of two round trips.
  ///
  /// The first locks every item row of the batch by product id and looks up the orders' reservations; the second
  /// writes what was decided and commits. Running it again is safe: it finds the reservations that it made.
  ///
  /// - Returns: an outcome for each request, in their order.
  func reserve(_ requests: [ReserveRequest], deadline: MonotonicInstant) async throws -> [ReserveOutcome] {
    try await pool.withConnection(deadline: deadline) { connection in
      let answers = try await connection.executeBatch(
        [
          TransactionSQL.begin, TransactionSQL.limitBatchLockWait,
          StockSQL.lockItems(Self.distinct(requests.flatMap { $0.lines.lines.map(\.productId) })),
          ReservationSQL.reservations(ofOrders: Self.distinct(requests.map(\.orderId))),
        ], deadline: deadline)
      var ledger = try Self.ledger(items: answers[2].rows, reservations: answers[3].rows)
      let outcomes = requests.map { ledger.decide($0, newId: ids.next) }
      if ledger.grants.isEmpty {
        _ = try await connection.execute(TransactionSQL.commit, deadline: deadline)
      } else {
        _ = try await connection.executeBatch(writes(of: ledger), deadline: deadline)
      }
      return outcomes
    }
  }

  private static func distinct(_ ids: [UUID]) -> [UUID] {
    var seen: Set<UUID> = []
    return ids.filter { seen.insert($0).inserted }
  }

  private static func ledger(items: [SQLRow], reservations: [SQLRow]) throws -> StockLedger {
    // Without an item row nothing can be granted, and no time is needed.
    let now = try items.first?.decode("transaction_time", as: Timestamp.self)
    return StockLedger(
      items: try items.map { try StockItem(row: $0) }, reservations: try Reservation.list(rows: reservations),
      now: now ?? Timestamp(microsecondsSinceEpoch: 0))
  }

  private func writes(of ledger: StockLedger) -> [SQLStatement] {
    let changes = ledger.itemChanges
    var events: [InventoryEvent] = []
    events.reserveCapacity(ledger.grants.count + 4)
    for grant in ledger.grants {
      events.append(.reserved(grant.reservation, id: ids.next(), correlationId: grant.correlationId))
    }
    for change in changes {
      guard let correlationId = change.depletedBy else { continue }
      events.append(.depleted(change.item, id: ids.next(), correlationId: correlationId))
    }
    return [
      StockSQL.addReserved(
        productIds: changes.map(\.item.productId), units: changes.map(\.units), changes: changes.map(\.reservations)),
      ReservationSQL.insert(ledger.grants), ReservationSQL.insertLines(ledger.grants), OutboxSQL.insert(events),
      TransactionSQL.commit,
    ]
  }
}
