import Postgres
import Seams
import SeamsLive
import Testing

@Suite("A session with a live PostgreSQL")
struct LiveSessionTests {
  /// Runs `body` with a connection to an empty database.
  private func session(
    tune: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresConnection, LiveDatabase) async throws -> Void
  ) async throws {
    try await LiveDatabase.with { database in
      let connector = try LiveDatabase.connector(url: LiveDatabase.url(database: database.name), tune: tune)
      let connection = try await connector.open(deadline: LiveDatabase.soon())
      defer { connection.close() }
      try await body(connection, database)
    }
  }

  @discardableResult
  private func run(_ statement: SQLStatement, _ connection: any SQLConnection) async throws -> SQLResult {
    try await connection.execute(statement, deadline: LiveDatabase.soon())
  }

  private func refusal(_ body: () async throws -> Void) async throws -> SQLError {
    do {
      try await body()
    } catch let error as SQLError {
      return error
    }
    throw ConformanceFailure("the call succeeded and should have failed")
  }

  private func preparedOnServer(_ connection: any SQLConnection) async throws -> Int {
    let result = try await run(
      "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared_statements%'",
      connection)
    return try result.rows[0].decode("n")
  }

  @Test func aStatementIsPreparedOnce() async throws {
    try await session { connection, _ in
      for index in 0..<5 { try await run("SELECT \(index)::int AS n", connection) }
      #expect(try await preparedOnServer(connection) == 1)
    }
  }

  @Test func evictedStatementsLeaveTheServerToo() async throws {
    try await session(tune: { $0.preparedStatementCapacity = 3 }) { connection, _ in
      for index in 0..<20 { try await run(SQLStatement(trusted: "SELECT \(index) AS n"), connection) }
      try await run("BEGIN", connection)
      #expect(try await preparedOnServer(connection) <= 3)
      try await run("COMMIT", connection)
      #expect(try await preparedOnServer(connection) <= 3)
    }
  }

  @Test func aStatementThatTheServerForgotIsPreparedAnew() async throws {
    try await session { connection, _ in
      let select: SQLStatement = "SELECT \(7)::int AS n"
      try await run(select, connection)
      try await run("DEALLOCATE ALL", connection)
      #expect(try await run(select, connection).rows[0].values == [.int(7)])
      // Inside a transaction it cannot be tried again, but the next transaction finds it prepared anew.
      try await run("DEALLOCATE ALL", connection)
      _ = try await connection.executeBatch(
        ["SELECT 1 AS one", select, "SELECT 2 AS two"], deadline: LiveDatabase.soon())
    }
  }

  @Test func aChangedTableDoesNotBreakACachedStatement() async throws {
    try await session { connection, database in
      try await run("CREATE TABLE t (a integer)", connection)
      try await run("INSERT INTO t VALUES (1)", connection)
      try await run("SELECT * FROM t", connection)
      let other = try await database.connector.connect(deadline: LiveDatabase.soon())
      try await run("ALTER TABLE t ADD COLUMN b text DEFAULT 'x'", other)
      other.close()
      #expect(try await run("SELECT * FROM t", connection).rows[0].values == [.int(1), .text("x")])
      try await run("ALTER TABLE t DROP COLUMN b", connection)
      try await run("BEGIN", connection)
      let error = try await refusal { try await run("SELECT * FROM t", connection) }
      #expect(error.sqlState == .featureNotSupported)
      try await run("ROLLBACK", connection)
      #expect(try await run("SELECT * FROM t", connection).rows[0].values == [.int(1)])
    }
  }

  @Test func aBatchWithAStalePlanRunsAgain() async throws {
    try await session { connection, _ in
      try await run("CREATE TABLE t (a integer)", connection)
      try await run("SELECT * FROM t", connection)
      try await run("ALTER TABLE t ADD COLUMN b integer", connection)
      _ = try await connection.executeBatch(
        ["BEGIN", "INSERT INTO t VALUES (1, 2)", "SELECT * FROM t", "COMMIT"], deadline: LiveDatabase.soon())
      #expect(try await run("SELECT * FROM t", connection).rows.map(\.values) == [[.int(1), .int(2)]])
    }
  }

  @Test func aConstraintCheckedAtTheCommitFailsTheStatement() async throws {
    try await session { connection, _ in
      try await connection.executeScript(
        """
        CREATE TABLE p (id integer PRIMARY KEY);
        CREATE TABLE c (p integer REFERENCES p DEFERRABLE INITIALLY DEFERRED);
        """, deadline: LiveDatabase.soon())
      let error = try await refusal { try await run("INSERT INTO c VALUES (1)", connection) }
      #expect(error.sqlState == .foreignKeyViolation)
      #expect(error.commitMayHaveTakenEffect == false)
      #expect(connection.status == .idle)
      let batch = try await refusal {
        _ = try await connection.executeBatch(
          ["INSERT INTO p VALUES (2)", "INSERT INTO c VALUES (1)"], deadline: LiveDatabase.soon())
      }
      #expect(batch.sqlState == .foreignKeyViolation)
      #expect(batch.batchIndex == 1)
      #expect(try await run("SELECT * FROM p", connection).rows.isEmpty)
    }
  }

  @Test func aBatchLargerThanEveryBufferGoesThrough() async throws {
    try await session { connection, _ in
      try await run("CREATE TABLE t (id integer PRIMARY KEY, filler text NOT NULL)", connection)
      let filler = String(repeating: "x", count: 2000)
      let statements = (0..<5000).map { index -> SQLStatement in
        "INSERT INTO t VALUES (\(index), \(filler)) RETURNING id, filler"
      }
      let results = try await connection.executeBatch(statements, deadline: LiveDatabase.soon())
      #expect(results.count == 5000)
      #expect(results.last?.rows.first?.values == [.int(4999), .text(filler)])
      let rows = try await run("SELECT id, filler FROM t ORDER BY id", connection).rows
      #expect(rows.count == 5000)
      #expect(rows[1234].values == [.int(1234), .text(filler)])
    }
  }

  @Test func closingEndsTheCallUnderWay() async throws {
    try await session { connection, _ in
      let waiting = Task { try await run("SELECT pg_sleep(600)", connection) }
      while try await isSleeping(connection.backendPID) == false {}
      connection.close()
      let error = try await refusal { _ = try await waiting.value }
      #expect(error.code == .connectionClosed)
      #expect(error.commitMayHaveTakenEffect == false)
    }
  }

  @Test func copyIsRefusedAndClosesTheConnection() async throws {
    try await session { connection, _ in
      try await run("CREATE TABLE t (id integer)", connection)
      let error = try await refusal {
        try await connection.executeScript("COPY t FROM STDIN", deadline: LiveDatabase.soon())
      }
      #expect(error.sqlState == .featureNotSupported)
      #expect(connection.status == .closed)
    }
  }

  @Test func anIdleConnectionThatTheServerEndsIsNoticed() async throws {
    try await session { connection, database in
      try await database.terminate(connection.backendPID)
      let error = try await refusal { try await run("SELECT 1", connection) }
      #expect(connection.status == .closed)
      #expect("\(error)".contains("terminating connection due to administrator command"), "\(error)")
      #expect(error.commitMayHaveTakenEffect == false)
    }
  }

  @Test func aWriteEndedByTheServerDidNotHappen() async throws {
    try await session { connection, database in
      try await run("CREATE TABLE t (id integer)", connection)
      let holder = try await database.connector.connect(deadline: LiveDatabase.soon())
      defer { holder.close() }
      try await run("BEGIN", holder)
      try await run("LOCK TABLE t", holder)
      let waiting = Task { try await run("INSERT INTO t VALUES (1)", connection) }
      while try await isWaiting(connection.backendPID) == false {}
      try await database.terminate(connection.backendPID)
      let error = try await refusal { _ = try await waiting.value }
      #expect(error.sqlState == .adminShutdown)
      #expect(error.commitMayHaveTakenEffect == false)
      #expect(connection.status == .closed)
    }
  }

  private func isSleeping(_ pid: Int32) async throws -> Bool { try await activity(pid) == "PgSleep" }

  private func isWaiting(_ pid: Int32) async throws -> Bool { try await activity(pid) == "relation" }

  private func activity(_ pid: Int32) async throws -> String? {
    let connector = try LiveDatabase.connector(url: LiveDatabase.serverURL())
    let connection = try await connector.connect(deadline: LiveDatabase.soon())
    defer { connection.close() }
    return try await run("SELECT wait_event FROM pg_stat_activity WHERE pid = \(Int(pid))", connection).rows.first?
      .decodeIfPresent("wait_event")
  }
}
