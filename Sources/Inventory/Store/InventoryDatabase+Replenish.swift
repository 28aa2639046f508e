import FoundationEssentials
import Seams
import ServiceKit

/// A request to add stock.
struct ReplenishRequest: Sendable, Hashable {
  var productId: UUID
  var quantity: Int
  /// The caller's `Idempotency-Key`.
  var key: String
  /// Of the request, to tell another one with the same key.
  var hash: [UInt8]
  var correlationId: UUID
}

extension InventoryDatabase {
  private static let replenishOperation = "replenish"

  /// Adds stock, once for each key.
  ///
  /// - Parameter answer: makes the answer that is stored with the key.
  func replenish(
    _ request: ReplenishRequest, deadline: MonotonicInstant, answer: (StockItem) -> String
  ) async throws -> ReplenishOutcome {
    try await changeStock(deadline: deadline) { connection, run, changed in
      let answers: [SQLResult]
      do {
        answers = try await connection.executeBatch(
          [
            TransactionSQL.begin, TransactionSQL.limitKeyWait,
            IdempotencySQL.claim(
              operation: Self.replenishOperation, key: request.key, requestHash: request.hash),
            TransactionSQL.unlimitLockWait,
            IdempotencySQL.answer(operation: Self.replenishOperation, key: request.key),
          ], deadline: deadline)
      } catch let error as SQLError where error.sqlState == .lockNotAvailable && run == 1 {
        // A later run waits for itself, perhaps: for the transaction whose answer was lost.
        return .keyInUse
      }
      guard answers[2].rowCount == 1 else {
        _ = try await connection.execute(TransactionSQL.commit, deadline: deadline)
        return try Self.replay(answers[4].rows, of: request, isReplay: run == 1)
      }
      return try await add(request, connection, deadline, &changed, answer)
    }
  }

  private func add(
    _ request: ReplenishRequest, _ connection: any SQLConnection, _ deadline: MonotonicInstant,
    _ changed: inout [UUID], _ answer: (StockItem) -> String
  ) async throws -> ReplenishOutcome {
    let limit = InventoryLimits.stockQuantity.upperBound
    let answers = try await connection.executeBatch(
      [
        StockSQL.addQuantity(request.productId, quantity: request.quantity, limit: limit),
        StockSQL.item(request.productId),
      ], deadline: deadline)
    guard let row = answers[0].rows.first else {
      // Nothing was changed, and the pool rolls the key back: a refusal is not stored.
      guard let row = answers[1].rows.first else { return .productNotFound }
      return .tooMuch(room: limit - (try StockItem(row: row)).quantity)
    }
    let item = try StockItem(row: row)
    let text = answer(item)
    changed.append(request.productId)
    _ = try await connection.executeBatch(
      [
        StockSQL.insertMovement(request.productId, delta: request.quantity, reason: .replenished, ref: request.key),
        OutboxSQL.insert([InventoryEvent.replenished(item, id: ids.next(), correlationId: request.correlationId)]),
        IdempotencySQL.store(operation: Self.replenishOperation, key: request.key, status: 200, response: text),
        TransactionSQL.commit,
      ], deadline: deadline)
    bell.ring()
    return .answered(text, isReplay: false)
  }

  private static func replay(
    _ rows: [SQLRow], of request: ReplenishRequest, isReplay: Bool
  ) throws -> ReplenishOutcome {
    // The snapshot of the SELECT is younger than the conflict, and keys are removed after a day only.
    guard let row = rows.first else { return .keyInUse }
    guard case .bytes(let hash) = row.values[0], hash == request.hash else { return .keyReused }
    return .answered(try row.decode("response"), isReplay: isReplay)
  }
}
