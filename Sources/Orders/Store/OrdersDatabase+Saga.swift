import FoundationEssentials
import InventoryAPI
import Seams
import ServiceKit

/// A step of a saga that is over, to be recorded.
struct SagaRecord: Sendable {
  /// The saga at the step.
  var saga: Saga
  /// What became of the step.
  var outcome: StepOutcome
}

/// What became of a record.
enum RecordOutcome: Sendable {
  /// It is stored, and the saga stands so.
  case advanced(Saga.Advance)
  /// An earlier run of the same record has stored it: how the saga stands has to be read.
  case stored
  /// The saga belongs to somebody else by now: nothing was stored.
  case lost
}

/// How long things of a saga may take.
package struct SagaTimes: Sendable, Hashable {
  /// How long a saga belongs to its owner after each record. Longer than any step.
  package var lease = Duration.seconds(60)
  /// How long a saga may go forward, from the order's creation.
  package var forward = Duration.seconds(60)
  /// How long the calls of one step may take, retries included.
  package var step = Duration.seconds(30)
  /// The rest after a step that failed; it doubles with each one more.
  package var firstRest = Duration.seconds(1)
  /// The longest rest.
  package var longestRest = Duration.seconds(30)

  package init() {}
}

extension OrdersDatabase {
  /// Takes sagas that nobody drives, and notes that their steps are begun.
  func claim(limit: Int, owner: UUID, times: SagaTimes, deadline: MonotonicInstant) async throws -> [Saga] {
    // Mostly there is none, which one statement tells.
    guard try await read([SagaSQL.anyFree], deadline: deadline)[0].first?.decode("is_free") == true else { return [] }
    return try await pool.retrying(deadline: deadline) { connection in
      let rows = try await connection.executeBatch(
        [TransactionSQL.begin, SagaSQL.free(limit: limit)], deadline: deadline)[1].rows
      let ids: [UUID] = try rows.map { try $0.decode("id") }
      guard !ids.isEmpty else {
        _ = try await connection.execute(TransactionSQL.rollback, deadline: deadline)
        return []
      }
      let answers = try await connection.executeBatch(
        [
          SagaSQL.claim(ids, owner: owner, lease: times.lease), SagaSQL.sagas(ids, limit: times.forward),
          SagaSQL.lines(ids),
        ], deadline: deadline)
      var sagas = try Self.sagas(answers[1].rows, lines: answers[2].rows)
      // The steps are begun once more with what follows.
      for index in sagas.indices where sagas[index].isBegun { sagas[index].attempts += 1 }
      _ = try await connection.executeBatch(
        [SagaSQL.beginSteps(sagas.map { ($0.orderId, $0.step) }), TransactionSQL.commit], deadline: deadline)
      return sagas
    }
  }

  /// Leaves the sagas of an owner to anybody.
  func letGo(_ owner: UUID, deadline: MonotonicInstant) async throws {
    _ = try await read([SagaSQL.letGo(owner)], deadline: deadline)
  }

  /// A saga as it stands; `nil` when it is no longer ours.
  func saga(_ id: UUID, lease: Int, times: SagaTimes, deadline: MonotonicInstant) async throws -> Saga? {
    let rows = try await read([SagaSQL.sagas([id], limit: times.forward), SagaSQL.lines([id])], deadline: deadline)
    return try Self.sagas(rows[0], lines: rows[1]).first { $0.lease == lease }
  }

  private static func sagas(_ rows: [SQLRow], lines: [SQLRow]) throws -> [Saga] {
    var linesOfOrder: [UUID: [InventoryLine]] = [:]
    for row in lines {
      linesOfOrder[try row.decode("order_id"), default: []].append(
        InventoryLine(productId: try row.decode("product_id"), quantity: try row.decode("quantity")))
    }
    return try rows.map { row in try Saga(row: row, lines: linesOfOrder[try row.decode("id")] ?? []) }
  }

  /// Records the steps of a batch of sagas in one transaction of two round trips.
  ///
  /// Running it again is safe: a record that is stored already is told by the saga's version. A saga that somebody else
  /// has claimed since is told by the number of its lease.
  ///
  /// - Parameter rest: how long a saga rests before it tries its step again.
  func record(
    _ batch: GroupCommitBatch<SagaRecord>, owner: UUID, times: SagaTimes, rest: (Saga) -> Duration
  ) async throws -> [GroupCommitAnswer<RecordOutcome>] {
    let newId = ids.next
    return try await pool.withConnection(deadline: batch.deadline) { connection in
      let orders = batch.items.map(\.saga.orderId)
      let locked = try await connection.executeBatch(
        [TransactionSQL.begin, SagaSQL.lock(orders, limit: times.forward)], deadline: batch.deadline)
      var rows: [UUID: SQLRow] = [:]
      for row in locked[1].rows { rows[try row.decode("id")] = row }
      var writes = SagaWrites()
      let answers = try batch.items.map { record -> GroupCommitAnswer<RecordOutcome> in
        guard let row = rows[record.saga.orderId] else { return .putBack }
        guard try row.decode("lease_number", as: Int.self) == record.saga.lease else { return .outcome(.lost) }
        guard try row.decode("saga_version", as: Int.self) == record.saga.version else { return .outcome(.stored) }
        var saga = record.saga
        saga.isOverdue = try row.decode("is_overdue")
        let stop = try row.decodeIfPresent("stop_reason", as: String.self)
          .map { try StopReason(column: $0, named: "stop_reason") }
        let advance = saga.advanced(by: record.outcome, stop: stop)
        writes.add(advance, from: saga, pause: advance.rests ? rest(advance.saga) : .zero)
        return .outcome(.advanced(advance))
      }
      _ = try await connection.executeBatch(
        writes.statements(owner: owner, times: times, newId: newId), deadline: batch.deadline)
      if writes.hasEvents { bell.ring() }
      return answers
    }
  }
}
