import Seams
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct ConcurrencyTests {
  private static let schema = """
    CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO t VALUES (1, 10), (2, 20), (3, 30);
    """

  @Test func anUpdateWaitsAndChecksItsConditionAgain() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = 0 WHERE id = 1")
      async let waiting = b.count("UPDATE t SET n = n - 1 WHERE id = 1 AND n >= 1")
      try await client.sleep(50)
      #expect(client.server.waits().map(\.pid) == [b.backendPID])
      #expect(client.server.waits().first?.blockedBy == [a.backendPID])
      try await a.run("COMMIT")
      #expect(try await waiting == 0)
      #expect(try await b.run("SELECT n FROM t WHERE id = 1") == [["0"]])
    }
  }

  @Test func anUpdateGoesOnWithTheNewestVersion() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = n + 5 WHERE id = 1")
      async let waiting = b.run("UPDATE t SET n = n + 1 WHERE id = 1 RETURNING n")
      try await client.sleep(50)
      try await a.run("COMMIT")
      #expect(try await waiting == [["16"]])
    }
  }

  @Test func repeatableReadFailsOnAConflict() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await b.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
      #expect(try await b.run("SELECT n FROM t WHERE id = 1") == [["10"]])
      try await a.run("UPDATE t SET n = 11 WHERE id = 1")
      #expect(try await b.run("SELECT n FROM t WHERE id = 1") == [["10"]])
      let error = try await b.failure("UPDATE t SET n = 12 WHERE id = 1")
      #expect(error?.sqlState == .serializationFailure)
      #expect(error?.message == "could not serialize access due to concurrent update")
      #expect(b.status == .inFailedTransaction)
      #expect(try await b.failure("SELECT 1")?.sqlState == .inFailedTransaction)
      try await b.run("ROLLBACK")
      #expect(b.status == .idle)
    }
  }

  @Test func statementsThatLockInOppositeOrdersMeetInACircleOnceTheyAreLetGoTogether() {
    var deadlocks = 0
    for seed in 1...20 as ClosedRange<UInt64> {
      let laboratory = Laboratory(seed: seed) { $0.rowOrder = .seeded }
      laboratory.run { client in
        let (a, b, c) = (try await client.connect(), try await client.connect(), try await client.connect())
        try await a.script(Self.schema)
        try await a.run("BEGIN")
        try await a.run("SELECT 1 FROM t FOR UPDATE")
        async let up = b.failure("SELECT 1 FROM t ORDER BY id FOR UPDATE")
        async let down = c.failure("SELECT 1 FROM t ORDER BY id DESC FOR UPDATE")
        try await client.sleep(50)
        try await a.run("COMMIT")
        let failures = try await [up, down].compactMap { $0?.sqlState }
        #expect(failures == [] || failures == [.deadlockDetected])
      }
      deadlocks += laboratory.server.statistics.deadlocks
    }
    #expect((1...20).contains(deadlocks))
  }

  @Test func aDeadlockHasOneVictimAfterTheTimeout() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await b.run("BEGIN")
      try await a.run("UPDATE t SET n = 1 WHERE id = 1")
      try await b.run("UPDATE t SET n = 2 WHERE id = 2")
      async let first = a.failure("UPDATE t SET n = 1 WHERE id = 2")
      try await client.sleep(100)
      let start = client.now
      async let second = b.failure("UPDATE t SET n = 2 WHERE id = 1")
      let errors = [try await first, try await second]
      // The first to wait checks first, after its deadlock_timeout of one second, and finds the cycle closed.
      let waited = start.duration(to: client.now)
      #expect(waited > .milliseconds(850) && waited < .milliseconds(1_100))
      let victims = errors.compactMap { $0 }
      #expect(victims.count == 1)
      #expect(victims.first?.sqlState == .deadlockDetected)
      #expect(victims.first?.detail?.contains("waits for ShareLock on transaction") == true)
      #expect(client.server.statistics.deadlocks == 1)
    }
  }

  @Test func locksTimeOutSkipAndRefuse() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("SELECT * FROM t WHERE id = 1 FOR UPDATE")
      #expect(
        try await b.run("SELECT id FROM t ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED") == [["2"], ["3"]])
      let refused = try await b.failure("SELECT id FROM t WHERE id = 1 FOR SHARE NOWAIT")
      #expect(refused?.sqlState == .lockNotAvailable)
      #expect(refused?.message == "could not obtain lock on row in relation \"t\"")
      try await b.run("SET lock_timeout = '50ms'")
      let start = client.now
      let late = try await b.failure("UPDATE t SET n = 0 WHERE id = 1")
      #expect(late?.sqlState == .lockNotAvailable)
      #expect(late?.message == "canceling statement due to lock timeout")
      #expect(start.duration(to: client.now) < .milliseconds(60))
      try await b.run("SET lock_timeout = 0")
      try await b.run("SET statement_timeout = '70ms'")
      #expect(try await b.failure("UPDATE t SET n = 0 WHERE id = 1")?.sqlState == .queryCanceled)
      #expect(b.status == .idle)
    }
  }

  @Test(arguments: [true, false])
  func aUniqueKeyWaitsForItsRival(commits: Bool) {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("INSERT INTO t VALUES (9, 1)")
      async let waiting = b.failure("INSERT INTO t VALUES (9, 2)")
      try await client.sleep(50)
      #expect(client.server.waits().count == 1)
      try await a.run(commits ? "COMMIT" : "ROLLBACK")
      let error = try await waiting
      #expect(error?.sqlState == (commits ? .uniqueViolation : nil))
      #expect(error?.constraint == (commits ? "t_pkey" : nil))
      #expect(try await b.run("SELECT n FROM t WHERE id = 9") == [[commits ? "1" : "2"]])
    }
  }

  @Test func aForeignKeyHoldsItsParent() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.script("CREATE TABLE c (id int PRIMARY KEY, t_id int REFERENCES t)")
      #expect(try await a.failure("INSERT INTO c VALUES (1, 99)")?.constraint == "c_t_id_fkey")
      try await a.run("BEGIN")
      try await a.run("INSERT INTO c VALUES (1, 1)")
      // Changing what is no key goes beside the lock, deleting the parent waits.
      #expect(try await b.count("UPDATE t SET n = 0 WHERE id = 1") == 1)
      async let waiting = b.failure("DELETE FROM t WHERE id = 1")
      try await client.sleep(50)
      #expect(client.server.waits().count == 1)
      try await a.run("COMMIT")
      let error = try await waiting
      #expect(error?.sqlState == .foreignKeyViolation)
      #expect(error?.detail == "Key (id)=(1) is still referenced from table \"c\".")
    }
  }

  @Test func advisoryLocksWaitAndEndWithTheirTransaction() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.run("BEGIN")
      try await a.run("SELECT pg_advisory_xact_lock($1)", .int(7))
      #expect(try await b.run("SELECT pg_try_advisory_xact_lock(7)") == [["f"]])
      async let waiting = b.run("SELECT pg_advisory_lock(7)")
      try await client.sleep(50)
      #expect(client.server.waits().count == 1)
      try await a.run("COMMIT")
      #expect(try await waiting == [[""]])
      #expect(try await a.run("SELECT pg_try_advisory_lock(7)") == [["f"]])
      #expect(try await b.run("SELECT pg_advisory_unlock(7)") == [["t"]])
      #expect(try await a.run("SELECT pg_try_advisory_lock(7)") == [["t"]])
    }
  }

  @Test func definitionsRollBack() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      let before = client.server.database.schemaDescription()
      try await a.run("BEGIN")
      try await a.script(
        """
        CREATE TABLE u (id int PRIMARY KEY); ALTER TABLE t ADD COLUMN m int NOT NULL DEFAULT 4;
        ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0); CREATE INDEX t_n ON t (n DESC) WHERE n > 15
        """)
      #expect(try await a.run("SELECT m FROM t WHERE id = 1") == [["4"]])
      #expect(try await b.failure("SELECT * FROM u")?.sqlState == "42P01")
      try await a.run("ROLLBACK")
      #expect(client.server.database.schemaDescription() == before)
      #expect(try await b.run("SELECT * FROM t WHERE id = 1") == [["1", "10"]])
    }
  }

  @Test func aCrashFreesWhatWaitersHeld() {
    Laboratory().run { client in
      let (a, b, c) = (try await client.connect(), try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = 0 WHERE id = 1")
      // b holds the tuple's lock and waits for a's transaction, c waits for b.
      async let first = b.failure("UPDATE t SET n = 1 WHERE id = 1")
      try await client.sleep(10)
      async let second = c.failure("UPDATE t SET n = 2 WHERE id = 1")
      try await client.sleep(10)
      #expect(client.server.waits().map(\.blockedBy) == [[a.backendPID], [b.backendPID]])
      client.server.crash()
      #expect(try await first?.code == .connectionLost)
      #expect(try await second?.code == .connectionLost)
      client.server.restart()
      try await client.sleep(500)
      let fresh = try await client.connect()
      #expect(try await fresh.count("UPDATE t SET n = 3 WHERE id = 1") == 1)
    }
  }

  @Test func aRolledBackSavepointFreesItsRows() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("SAVEPOINT s")
      try await a.run("UPDATE t SET n = 0 WHERE id = 1")
      async let waiting = b.run("UPDATE t SET n = n + 1 WHERE id = 1 RETURNING n")
      try await client.sleep(10)
      #expect(client.server.waits().count == 1)
      #expect(try await a.failure("SELECT 1 / 0")?.sqlState == "22012")
      #expect(try await waiting == [["11"]])
      try await a.run("ROLLBACK TO s")
      #expect(try await a.run("SELECT n FROM t WHERE id = 1") == [["11"]])
      try await a.run("COMMIT")
    }
  }

  @Test func anIdleTransactionIsEnded() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("SET idle_in_transaction_session_timeout = '1s'")
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = 0")
      let start = client.now
      #expect(try await b.count("UPDATE t SET n = 1 WHERE id = 1") == 1)
      #expect(start.duration(to: client.now) >= .milliseconds(990))
      #expect(a.status == .closed)
    }
  }

  @Test func rowsWithoutAnOrderComeInTheSeedsOrder() {
    let orders = (1...6).map { seed in
      let collected = Collected()
      Laboratory(seed: UInt64(seed)) { $0.rowOrder = .seeded }.run { client in
        let connection = try await client.connect()
        try await connection.script(Self.schema)
        collected.rows = try await connection.run("SELECT id FROM t")
        #expect(try await connection.run("SELECT id FROM t ORDER BY id DESC") == [["3"], ["2"], ["1"]])
      }
      return collected.rows.flatMap { $0 }
    }
    #expect(Set(orders).count > 1)
    #expect(orders.allSatisfy { Set($0) == ["1", "2", "3"] })
  }

  /// `@unchecked Sendable`: used on the kernel's thread alone.
  private final class Collected: @unchecked Sendable {
    var rows: [[String]] = []
  }
}
