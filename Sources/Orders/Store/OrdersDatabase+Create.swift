import FoundationEssentials
import InventoryAPI
import Seams
import ServiceKit

extension OrdersDatabase {
  /// How long a request waits for another instance's work on its key (CONTRACT, `idempotency_key_in_use`).
  static let rivalPatience = Duration.seconds(5)

  /// Makes a batch of orders in one transaction of two round trips.
  ///
  /// The first tries the locks of the keys and looks up what they stand for, and the prices; the second writes what was
  /// decided and commits. Running it again is safe: it finds the orders that it made by their keys.
  ///
  /// - Returns: an answer for each request, in their order, and the sagas that begin.
  func create(
    _ batch: GroupCommitBatch<NewOrder>, owner: UUID, lease: Duration
  ) async throws -> (answers: [GroupCommitAnswer<CreateOutcome>], begun: [Saga]) {
    let requests = batch.items
    var products: Set<UUID> = []
    let ids = requests.flatMap { $0.lines.lines.map(\.productId) }.filter { products.insert($0).inserted }
    return try await pool.withConnection(deadline: batch.deadline) { connection in
      let read = try await connection.executeBatch(
        [TransactionSQL.begin, CreateSQL.lockFree(requests), CreateSQL.known(requests), ProductSQL.prices(ids)],
        deadline: batch.deadline)
      var isFree = Array(repeating: false, count: requests.count)
      for row in read[1].rows { isFree[try row.decode("place")] = try row.decode("is_free") }
      var decisions = OrderBatch(prices: try Self.prices(read[3].rows), known: try Self.known(read[2].rows))
      let now = environment.clock.now
      let answers = requests.indices.map { place -> GroupCommitAnswer<CreateOutcome> in
        let request = requests[place]
        if isFree[place] { return .outcome(decisions.decide(request)) }
        return request.arrival.duration(to: now) >= Self.rivalPatience ? .outcome(.keyInUse) : .putBack
      }
      if decisions.made.isEmpty {
        _ = try await connection.execute(TransactionSQL.commit, deadline: batch.deadline)
      } else {
        _ = try await connection.executeBatch(
          writes(of: decisions.made, owner: owner, lease: lease), deadline: batch.deadline)
        bell.ring()
      }
      return (answers, decisions.begun)
    }
  }

  private func writes(of made: [OrderBatch.Made], owner: UUID, lease: Duration) -> [SQLStatement] {
    let events = made.map { order in
      OrderEvent(
        .orderCreated, id: ids.next(), orderId: order.request.id, userId: order.request.userId, total: order.total,
        failure: nil, correlationId: order.request.correlationId)
    }
    return [
      CreateSQL.insert(made, owner: owner, lease: lease), CreateSQL.insertItems(made),
      CreateSQL.insertHistory(made.map { ($0.request.id, .pending) }),
      SagaSQL.beginSteps(made.map { ($0.request.id, .reserve) }), CreateSQL.insertKeys(made),
      OutboxSQL.insert(events), TransactionSQL.commit,
    ]
  }

  private static func prices(_ rows: [SQLRow]) throws -> [UUID: Money] {
    var prices: [UUID: Money] = [:]
    for row in rows { prices[try row.decode("id")] = try Money(row: row, amount: "price") }
    return prices
  }

  private static func known(_ rows: [SQLRow]) throws -> [OrderBatch.Key: OrderBatch.Known] {
    var known: [OrderBatch.Key: OrderBatch.Known] = [:]
    for row in rows {
      let key = OrderBatch.Key(userId: try row.decode("user_id"), key: try row.decode("key"))
      guard case .bytes(let hash) = row.values[2] else { throw InvalidRow(column: "request_hash", value: "no bytes") }
      known[key] = OrderBatch.Known(
        hash: hash, orderId: try row.decode("order_id"), total: try Money(row: row, amount: "total"))
    }
    return known
  }
}
