import FoundationEssentials
import Logging
import Seams
import ServiceKit

extension OrdersDatabase {
  /// A page of sagas, newest orders first.
  func sagas(
    _ filter: SagaFilter, behind id: UUID?, limit: Int, deadline: MonotonicInstant
  ) async throws -> Page<SagaOverview> {
    let sagas = try await read([OperationsSQL.sagas(filter, behind: id, limit: limit + 1)], deadline: deadline)[0]
      .map { try SagaOverview(row: $0) }
    let items = Array(sagas.prefix(limit))
    return Page(items: items, nextCursor: sagas.count > limit ? items.last?.orderId.canonicalText : nil)
  }

  /// A saga with its steps; `nil` when there is no such order.
  func sagaReport(_ orderId: UUID, deadline: MonotonicInstant) async throws -> SagaReport? {
    let rows = try await read(
      [
        OperationsSQL.saga(orderId), OperationsSQL.steps(orderId), OrderSQL.history(orderId), TransactionSQL.now,
      ], deadline: deadline)
    guard let row = rows[0].first else { return nil }
    return SagaReport(
      saga: try SagaOverview(row: row), steps: try rows[1].map { try SagaReport.Step(row: $0) },
      history: try Order.Entry.list(rows[2]), now: try rows[3][0].decode("transaction_time"))
  }

  /// Sets a stuck saga going again.
  ///
  /// - Parameter actor: who wants it, for the log.
  func retrySaga(_ orderId: UUID, by actor: String, deadline: MonotonicInstant) async throws -> SagaRetryOutcome {
    let outcome = try await pool.repeating(deadline: deadline) { connection, run -> SagaRetryOutcome in
      let answers = try await connection.executeBatch(
        [TransactionSQL.begin, OrderSQL.lock(orderId)], deadline: deadline)
      guard let row = answers[1].rows.first else { return .notFound }
      let state = try SagaState(column: row.decode("saga_state"), named: "saga_state")
      guard state == .stuck else {
        // An earlier run has set it going, and its answer was lost.
        return run > 1 && state == .compensating ? .retried : .notStuck(state)
      }
      _ = try await connection.executeBatch([OperationsSQL.retry(orderId), TransactionSQL.commit], deadline: deadline)
      return .retried
    }
    if outcome == .retried {
      environment.logger.notice(
        "a stuck saga was set going again",
        metadata: ["order": .string(orderId.canonicalText), "by": .string(actor)])
    }
    return outcome
  }

  /// What there is to look at.
  func figures(deadline: MonotonicInstant) async throws -> OperationsFigures {
    let rows = try await read(
      [
        OperationsSQL.running, OperationsSQL.stuck, OperationsSQL.failedLately, OperationsSQL.waiting,
        OperationsSQL.refused, OperationsSQL.newestRefused(limit: 10), TransactionSQL.now,
      ], deadline: deadline)
    var figures = OperationsFigures(now: try rows[6][0].decode("transaction_time"))
    for row in rows[0] {
      switch try SagaState(column: row.decode("saga_state"), named: "saga_state") {
      case .forward: figures.forward = try row.decode("sagas")
      case .compensating: figures.compensating = try row.decode("sagas")
      case .done, .stuck: break
      }
    }
    figures.stuck = try rows[1].first?.decode("sagas") ?? 0
    figures.failedLately = try rows[2].first?.decode("sagas") ?? 0
    figures.waiting = try rows[3].first?.decode("events") ?? 0
    figures.oldestWaiting = try rows[3].first?.decodeIfPresent("oldest")
    figures.refused = try rows[4].first?.decode("events") ?? 0
    figures.newestRefused = try rows[5].map { row in
      OperationsFigures.Refused(
        id: try row.decode("id"), type: try row.decode("type"), subject: try row.decode("subject"),
        at: try row.decode("refused_at"), reason: try row.decode("refusal"))
    }
    return figures
  }
}
