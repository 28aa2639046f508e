import FoundationEssentials
import Seams
import ServiceKit

extension InventoryDatabase {
  /// Decides a batch of reserve requests in one transaction of two round trips.
  ///
  /// The first locks every item row of the batch by product id and looks up the orders' reservations; the second
  /// writes what was decided and commits. Running it again is safe: it finds the reservations that it made.
  ///
  /// Where somebody holds a row for too long (a transaction whose host was cut off), the batch goes on with the rows
  /// that are free and puts back the requests that need others. So one stuck product holds up nobody else.
  ///
  /// - Returns: an answer for each request, in their order.
  func reserve(_ batch: GroupCommitBatch<ReserveRequest>) async throws -> [GroupCommitAnswer<ReserveOutcome>] {
    let products = Self.distinct(batch.items.flatMap { $0.lines.lines.map(\.productId) })
    let lookUp = ReservationSQL.reservations(ofOrders: Self.distinct(batch.items.map(\.orderId)))
    return try await forgetting { changed in
      try await reserve(batch, products, lookUp, &changed)
    }
  }

  private func reserve(
    _ batch: GroupCommitBatch<ReserveRequest>, _ products: [UUID], _ lookUp: SQLStatement, _ changed: inout [UUID]
  ) async throws -> [GroupCommitAnswer<ReserveOutcome>] {
    let deadline = batch.deadline
    return try await pool.withConnection(deadline: deadline) { connection in
      // With requests that were put back beside others, waiting again would hold up these.
      if batch.putBack == 0 || batch.putBack == batch.items.count {
        do {
          let answers = try await connection.executeBatch(
            [TransactionSQL.begin, TransactionSQL.limitBatchLockWait, StockSQL.lockItems(products), lookUp],
            deadline: deadline)
          let ledger = try Self.ledger(items: answers[2].rows, reservations: answers[3].rows)
          return try await decide(batch, with: ledger, connection, &changed)
        } catch let error as SQLError where error.sqlState == .lockNotAvailable && error.batchIndex == 2 {
          // The transaction is rolled back, the connection idle.
        }
      }
      let answers = try await connection.executeBatch(
        [
          TransactionSQL.begin, TransactionSQL.limitBatchLockWait, StockSQL.lockFreeItems(products), lookUp,
          StockSQL.items(products),
        ], deadline: deadline)
      let free = Set(try answers[2].rows.map { try $0.decode("product_id", as: UUID.self) })
      let all = try answers[4].rows.map { try $0.decode("product_id", as: UUID.self) }
      let ledger = try Self.ledger(
        items: answers[2].rows, reservations: answers[3].rows, held: all.filter { !free.contains($0) })
      return try await decide(batch, with: ledger, connection, &changed)
    }
  }

  /// Decides, writes and commits in the transaction that locked the ledger's rows.
  private func decide(
    _ batch: GroupCommitBatch<ReserveRequest>, with ledger: StockLedger, _ connection: any SQLConnection,
    _ changed: inout [UUID]
  ) async throws -> [GroupCommitAnswer<ReserveOutcome>] {
    var ledger = ledger
    let answers = batch.items.map { request -> GroupCommitAnswer<ReserveOutcome> in
      ledger.mustWait(request) ? .putBack : .outcome(ledger.decide(request, newId: ids.next))
    }
    if ledger.grants.isEmpty {
      _ = try await connection.execute(TransactionSQL.commit, deadline: batch.deadline)
    } else {
      changed += ledger.itemChanges.map(\.item.productId)
      _ = try await connection.executeBatch(writes(of: ledger), deadline: batch.deadline)
      bell.ring()
    }
    return answers
  }

  private static func distinct(_ ids: [UUID]) -> [UUID] {
    var seen: Set<UUID> = []
    return ids.filter { seen.insert($0).inserted }
  }

  private static func ledger(
    items: [SQLRow], reservations: [SQLRow], held: [UUID] = []
  ) throws -> StockLedger {
    // Without an item row nothing can be granted, and no time is needed.
    let now = try items.first?.decode("transaction_time", as: Timestamp.self)
    return StockLedger(
      items: try items.map { try StockItem(row: $0) }, reservations: try Reservation.list(rows: reservations),
      held: held, now: now ?? Timestamp(microsecondsSinceEpoch: 0))
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
