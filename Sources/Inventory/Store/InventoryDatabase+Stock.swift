import FoundationEssentials
import Seams
import ServiceKit

/// What became of a request to set a product's quantity.
enum SetQuantityOutcome: Sendable, Hashable {
  case created(StockItem)
  case updated(StockItem)
  case productNotFound
  case versionConflict(current: Int)
  case belowReserved(reserved: Int)
}

/// What became of a request to add stock.
enum ReplenishOutcome: Sendable, Hashable {
  /// The answer, as JSON: made now or replayed.
  case answered(String, isReplay: Bool)
  case productNotFound
  /// The sum would be more than a product may have; so much may still be added.
  case tooMuch(room: Int)
  case keyReused
  case keyInUse
}

extension InventoryDatabase {
  /// The stock of those of `productIds` that exist, by product id.
  func items(_ productIds: [UUID], deadline: MonotonicInstant) async throws -> [StockItem] {
    let statement = productIds.count == 1 ? StockSQL.item(productIds[0]) : StockSQL.items(productIds)
    return try await read(statement, deadline: deadline).map { try StockItem(row: $0) }
  }

  /// Creates a product.
  func create(
    _ productId: UUID, quantity: Int, correlationId: UUID, deadline: MonotonicInstant
  ) async throws -> SetQuantityOutcome {
    let ref = ids.next().canonicalText
    return try await changeStock(deadline: deadline) { connection, _, changed in
      let answers = try await connection.executeBatch(
        [TransactionSQL.begin, StockSQL.insertItem(productId, quantity: quantity)], deadline: deadline)
      guard let row = answers[1].rows.first else {
        return try await existing(productId, ref: ref, connection, deadline)
      }
      let item = try StockItem(row: row)
      var writes = [StockSQL.insertMovement(productId, delta: quantity, reason: .initial, ref: ref)]
      if quantity > 0 {
        writes.append(
          OutboxSQL.insert([InventoryEvent.replenished(item, id: ids.next(), correlationId: correlationId)]))
      }
      changed.append(productId)
      _ = try await connection.executeBatch(writes + [TransactionSQL.commit], deadline: deadline)
      bell.ring()
      return .created(item)
    }
  }

  /// The outcome when the product to create is there: by an earlier run of this request, or another's.
  private func existing(
    _ productId: UUID, ref: String, _ connection: any SQLConnection, _ deadline: MonotonicInstant
  ) async throws -> SetQuantityOutcome {
    let answers = try await connection.executeBatch(
      [StockSQL.item(productId), StockSQL.movement(productId, ref: ref), TransactionSQL.commit], deadline: deadline)
    guard let row = answers[0].rows.first else { throw MissingRow("product \(productId.canonicalText)") }
    let item = try StockItem(row: row)
    guard let mine: Int = try answers[1].rows.first?.decode("delta") else {
      return .versionConflict(current: item.version)
    }
    return .created(StockItem(productId: productId, quantity: mine, reserved: 0, version: 1))
  }

  /// Sets a product's quantity if its version is still the one that the caller read.
  ///
  /// The row is read without a lock. What makes the update safe is its guard: the delta is computed from the version
  /// that the guard names, so it is right whenever the update happens at all.
  func setQuantity(
    _ productId: UUID, to quantity: Int, version: Int, correlationId: UUID, deadline: MonotonicInstant
  ) async throws -> SetQuantityOutcome {
    let ref = ids.next().canonicalText
    // What a run whose commit was ambiguous made of the row: others may have changed it when that is looked up.
    var uncertain: StockItem?
    return try await changeStock(deadline: deadline) { connection, _, changed in
      if let item = uncertain, try await didUpdate(productId, ref: ref, connection, deadline) { return .updated(item) }
      let before = try await connection.execute(StockSQL.item(productId), deadline: deadline).rows.first
      guard let before = try before.map({ try StockItem(row: $0) }) else { return .productNotFound }
      guard before.version == version else { return .versionConflict(current: before.version) }
      guard before.reserved <= quantity else { return .belowReserved(reserved: before.reserved) }
      let answers = try await connection.executeBatch(
        [TransactionSQL.begin, StockSQL.updateQuantity(productId, quantity: quantity, version: version)],
        deadline: deadline)
      guard let row = answers[1].rows.first else {
        let now = try await connection.executeBatch(
          [StockSQL.item(productId), TransactionSQL.commit], deadline: deadline)
        guard let row = now[0].rows.first else { return .productNotFound }
        return .versionConflict(current: try StockItem(row: row).version)
      }
      let item = try StockItem(row: row)
      uncertain = item
      changed.append(productId)
      _ = try await connection.executeBatch(
        [
          StockSQL.insertMovement(productId, delta: quantity - before.quantity, reason: .adjusted, ref: ref)
        ] + events(from: before, to: item, correlationId) + [TransactionSQL.commit], deadline: deadline)
      bell.ring()
      return .updated(item)
    }
  }

  /// Whether an earlier run of the same update took effect. The row's lock waits for that run to end on the server.
  private func didUpdate(
    _ productId: UUID, ref: String, _ connection: any SQLConnection, _ deadline: MonotonicInstant
  ) async throws -> Bool {
    let answers = try await connection.executeBatch(
      [
        TransactionSQL.begin, StockSQL.lockItem(productId), StockSQL.movement(productId, ref: ref),
        TransactionSQL.commit,
      ], deadline: deadline)
    return !answers[2].rows.isEmpty
  }

  private func events(from before: StockItem, to after: StockItem, _ correlationId: UUID) -> [SQLStatement] {
    if after.quantity > before.quantity {
      return [OutboxSQL.insert([InventoryEvent.replenished(after, id: ids.next(), correlationId: correlationId)])]
    }
    if after.available == 0 && before.available > 0 {
      return [OutboxSQL.insert([InventoryEvent.depleted(after, id: ids.next(), correlationId: correlationId)])]
    }
    return []
  }
}
