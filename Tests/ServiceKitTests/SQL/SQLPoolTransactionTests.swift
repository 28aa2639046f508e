import Seams
import ServiceKit
import Synchronization
import Testing

@Suite struct SQLPoolTransactionTests {
  private struct Refused: Error {}

  private static func server(_ state: SQLState) -> SQLError {
    SQLError(.server, sqlState: state, message: "simulated")
  }

  /// Runs one transaction of one UPDATE against `errors`.
  private func run(
    errors: [(prefix: String, error: SQLError)], retry: RetryPolicy = RetryPolicy(),
    deadline: Duration = .seconds(10),
    _ check: @escaping @Sendable (Result<Int, any Error>, ScriptedDatabase, SQLPoolFigures) -> Void
  ) {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      database.script { $0.statementErrors = errors }
      let pool = SQLPool(connector: database, environment: environment)
      let limit = environment.after(deadline)
      let runs = Mutex(0)
      let result: Result<Int, any Error>
      do {
        let value = try await pool.transaction(deadline: limit, retry: retry) { connection in
          runs.withLock { $0 += 1 }
          _ = try await connection.execute("UPDATE t SET a = 1", deadline: limit)
          return runs.withLock { $0 }
        }
        result = .success(value)
      } catch {
        result = .failure(error)
      }
      check(result, database, pool.figures)
    }
  }

  @Test func whatReturnsIsCommitted() {
    run(errors: []) { result, database, figures in
      #expect((try? result.get()) == 1)
      #expect(database.statements == ["BEGIN ISOLATION LEVEL READ COMMITTED", "UPDATE t SET a = 1", "COMMIT"])
      #expect(figures.retries == 0)
    }
  }

  @Test(arguments: ["40001", "40P01", "55P03"] as [SQLState])
  func whatMayRunAgainDoesFromItsStart(state: SQLState) {
    run(errors: [("UPDATE", Self.server(state)), ("UPDATE", Self.server(state))]) { result, database, figures in
      #expect((try? result.get()) == 3)
      #expect(database.statements.count { $0.hasPrefix("BEGIN") } == 3)
      #expect(database.statements.count { $0 == "ROLLBACK" } == 2)
      #expect(figures.retries == 2 && figures.deadlockRetries == (state == .deadlockDetected ? 2 : 0))
      #expect(database.connections.count == 1)
    }
  }

  @Test func aLostConnectionBeforeCommitRunsAgainOnAnother() {
    run(errors: [("UPDATE", SQLError(.connectionLost, message: "gone"))]) { result, database, figures in
      #expect((try? result.get()) == 2)
      #expect(database.connections.count == 2 && figures.discarded == 1)
    }
  }

  @Test func aLostCommitNeverRunsAgain() {
    let lost = SQLError(.connectionLost, message: "gone", commitMayHaveTakenEffect: true)
    run(errors: [("COMMIT", lost)]) { result, database, figures in
      #expect(throws: SQLError.self) { try result.get() }
      #expect(database.statements.count { $0.hasPrefix("UPDATE") } == 1)
      #expect(figures.retries == 0)
    }
  }

  @Test(arguments: ["23505", "23514", "42601"] as [SQLState])
  func aPermanentErrorNeverRunsAgain(state: SQLState) {
    run(errors: [("UPDATE", Self.server(state))]) { result, database, _ in
      let error = #expect(throws: SQLError.self) { try result.get() }
      #expect(error?.sqlState == state)
      #expect(database.statements.last == "ROLLBACK")
    }
  }

  @Test func attemptsAreBounded() {
    let errors = (0..<10).map { _ in ("UPDATE", Self.server(.deadlockDetected)) }
    run(errors: errors, retry: RetryPolicy(attempts: 4)) { result, database, figures in
      #expect(throws: SQLError.self) { try result.get() }
      #expect(database.statements.count { $0.hasPrefix("UPDATE") } == 4)
      #expect(figures.retries == 3)
    }
  }

  @Test func nothingRunsAgainAfterTheDeadline() {
    let errors = (0..<10).map { _ in ("UPDATE", Self.server(.deadlockDetected)) }
    let retry = RetryPolicy(attempts: 10, baseBackOff: .milliseconds(100), maximumBackOff: .milliseconds(100))
    run(errors: errors, retry: retry, deadline: .milliseconds(250)) { result, database, _ in
      #expect(throws: SQLError.self) { try result.get() }
      #expect((2...5).contains(database.statements.count { $0.hasPrefix("UPDATE") }))
    }
  }

  @Test func whatThrowsIsRolledBackAndThrownOn() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      let deadline = environment.after(.seconds(1))
      await #expect(throws: Refused.self) {
        try await pool.transaction(deadline: deadline, isolation: .serializable) { _ in throw Refused() }
      }
      #expect(database.statements == ["BEGIN ISOLATION LEVEL SERIALIZABLE", "ROLLBACK"])
    }
  }

  @Test func aSwallowedFailureIsNotCommitted() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      database.script { $0.statementErrors = [("UPDATE", Self.server("23505"))] }
      let pool = SQLPool(connector: database, environment: environment)
      let deadline = environment.after(.seconds(1))
      let error = await #expect(throws: SQLError.self) {
        try await pool.transaction(deadline: deadline) { connection in
          _ = try? await connection.execute("UPDATE t SET a = 1", deadline: deadline)
        }
      }
      #expect(error?.sqlState == .inFailedTransaction)
      #expect(!database.statements.contains("COMMIT"))
    }
  }

  @Test func aBodyThatCommitsItselfIsNotCommittedTwice() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      let deadline = environment.after(.seconds(1))
      try await pool.transaction(deadline: deadline) { connection in
        _ = try await connection.executeBatch(["UPDATE t SET a = 1", "COMMIT"], deadline: deadline)
      }
      #expect(database.statements.count { $0 == "COMMIT" } == 1)
    }
  }

  @Test func pausesDoubleUpToTheirLimitAndAreSpread() {
    simulate { environment in
      let policy = RetryPolicy(
        attempts: 9, baseBackOff: .milliseconds(10), maximumBackOff: .milliseconds(40), jitter: 0.5)
      for (attempt, nominal) in [(1, 10.0), (2, 20), (3, 40), (4, 40), (80, 40)] {
        let pauses = (0..<200).map { _ in policy.pause(after: attempt, entropy: environment.entropy).inSeconds * 1000 }
        #expect(pauses.allSatisfy { $0 >= nominal * 0.5 && $0 <= nominal * 1.5 })
        #expect(pauses.max()! - pauses.min()! > nominal * 0.8)
      }
    }
  }
}
