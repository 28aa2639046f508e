internal import Logging
package import Seams
internal import Synchronization

/// How much a transaction sees of others (PostgreSQL manual, chapter 13.2).
package enum IsolationLevel: Sendable, Hashable {
  case readCommitted
  case repeatableRead
  case serializable

  /// The statement that begins such a transaction.
  package var begin: SQLStatement {
    switch self {
    case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED"
    case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
    case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
    }
  }
}

extension SQLPool {
  /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
  ///
  /// Where the transaction failed without effect and may succeed when it runs again (a deadlock, a serialization
  /// failure, a lost connection before COMMIT), `body` runs again from its start on any connection. A body that has
  /// sent COMMIT itself, in its last batch, has committed: nothing is sent after it.
  ///
  /// - Throws: ``SQLError``, with ``SQLError/commitMayHaveTakenEffect`` when COMMIT's answer was lost: read back by key;
  ///   what `body` throws.
  package func transaction<R>(
    deadline: MonotonicInstant, isolation: IsolationLevel = .readCommitted, retry: RetryPolicy = RetryPolicy(),
    _ body: (any SQLConnection) async throws -> R
  ) async throws -> R {
    try await retrying(deadline: deadline, retry: retry) { connection in
      _ = try await connection.execute(isolation.begin, deadline: deadline)
      let result = try await body(connection)
      switch connection.status {
      case .idle: break
      case .inTransaction: _ = try await connection.execute("COMMIT", deadline: deadline)
      case .inFailedTransaction:
        // COMMIT would answer "ROLLBACK" without an error, and the loss would pass for success.
        throw SQLError(
          .server, sqlState: .inFailedTransaction, message: "the transaction had failed before its COMMIT")
      case .closed: throw SQLError(.connectionClosed, message: "the connection closed before COMMIT")
      }
      return result
    }
  }

  /// Lends a connection to `body` and runs it again, on any connection, when its transaction may be run again.
  ///
  /// `body` sends its own BEGIN and COMMIT, for instance both in one batch.
  ///
  /// - Throws: what the last run threw.
  package func retrying<R>(
    deadline: MonotonicInstant, retry: RetryPolicy = RetryPolicy(), _ body: (any SQLConnection) async throws -> R
  ) async throws -> R {
    var attempt = 1
    while true {
      do {
        return try await withConnection(deadline: deadline, body)
      } catch {
        guard !Task.isCancelled, retry.allows(error, after: attempt) else { throw error }
        let resumeAt = environment.clock.now.advanced(
          by: retry.pause(after: attempt, entropy: environment.entropy))
        guard resumeAt < deadline else { throw error }
        count(retryAfter: error)
        environment.logger.debug(
          "running a transaction again",
          metadata: ["attempt": .stringConvertible(attempt), "error": .string("\(error)")])
        try await environment.clock.sleep(until: resumeAt, tolerance: nil)
        attempt += 1
      }
    }
  }

  /// The same, also when the answer to COMMIT was lost: for a transaction that finds by key what an earlier run of it has
  /// done, behind the locks that the earlier run holds until the server has ended it.
  ///
  /// So an ambiguous commit is read back by running the transaction again on another connection (DESIGN §5, rule 8).
  ///
  /// - Parameter body: gets a connection and the number of the run, from 1. When it leaves without COMMIT, the pool
  ///   rolls back.
  /// - Throws: what the last run threw.
  package func repeating<R>(
    deadline: MonotonicInstant, retry: RetryPolicy = RetryPolicy(),
    _ body: (any SQLConnection, _ run: Int) async throws -> R
  ) async throws -> R {
    var run = 0
    while true {
      do {
        return try await retrying(deadline: deadline, retry: retry) { connection in
          run += 1
          return try await body(connection, run)
        }
      } catch let error as SQLError where error.commitMayHaveTakenEffect && run < retry.attempts {
        let wake = environment.clock.now.advanced(by: retry.pause(after: run, entropy: environment.entropy))
        guard wake < deadline else { throw error }
        try await environment.clock.sleep(until: wake, tolerance: nil)
      }
    }
  }

  private func count(retryAfter error: any Error) {
    let isDeadlock = (error as? SQLError)?.sqlState == .deadlockDetected
    state.withLock { state in
      state.figures.retries += 1
      if isDeadlock { state.figures.deadlockRetries += 1 }
    }
  }
}
