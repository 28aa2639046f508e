import Seams
import SimulatedNetwork
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct ConnectionTests {
  private static let schema = "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 10)"

  @Test func aBatchIsOneTransaction() {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script(Self.schema)
      let deadline = MonotonicInstant.distantFuture
      let results = try await connection.executeBatch(
        ["UPDATE t SET n = 11", "SELECT n FROM t", "INSERT INTO t VALUES (2, 2)"], deadline: deadline)
      #expect(results.map(\.rowCount) == [1, 1, 1])
      do {
        _ = try await connection.executeBatch(
          ["BEGIN", "UPDATE t SET n = 12", "INSERT INTO t VALUES (2, 3)", "COMMIT"], deadline: deadline)
        Issue.record("the batch did not fail")
      } catch let error as SQLError {
        #expect(error.sqlState == .uniqueViolation)
        #expect(error.batchIndex == 2)
        #expect(!error.commitMayHaveTakenEffect)
      }
      #expect(connection.status == .idle)
      #expect(try await connection.run("SELECT n FROM t WHERE id = 1") == [["11"]])
    }
  }

  @Test func aSlowStatementThatIsCancelledFailsItsTransaction() {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script(Self.schema)
      for setting in [nil, "SET LOCAL statement_timeout = '5ms'"] as [String?] {
        try await connection.run("BEGIN")
        if let setting { try await connection.run(setting) }
        try await connection.run("UPDATE t SET n = 99")
        client.server.faults.slowness = .milliseconds(500) ... .milliseconds(500)
        client.server.injectNext(.slowStatement)
        do {
          let deadline = setting == nil ? client.now.advanced(by: .milliseconds(20)) : .distantFuture
          _ = try await connection.execute("SELECT n FROM t", deadline: deadline)
          Issue.record("a statement of half a second was in time")
        } catch let error as SQLError {
          #expect(error.code == (setting == nil ? .deadlineExceeded : .server))
        }
        #expect(connection.status == .inFailedTransaction)
        #expect(try await connection.failure("SELECT 1")?.sqlState == .inFailedTransaction)
        try await connection.run("COMMIT")
        #expect(try await connection.run("SELECT n FROM t") == [["10"]])
      }
    }
  }

  @Test(arguments: [PostgresFault.commitAnswerLostCommitted, .commitAnswerLostRolledBack])
  func aLostCommitIsAmbiguous(_ fault: PostgresFault) {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = 99")
      client.server.injectNext(fault)
      let error = try await a.failure("COMMIT")
      #expect(error?.code == .connectionLost)
      #expect(error?.commitMayHaveTakenEffect == true)
      #expect(error?.disposition == .ambiguous)
      #expect(a.status == .closed)
      let expected = fault == .commitAnswerLostCommitted ? "99" : "10"
      #expect(try await b.run("SELECT n FROM t") == [[expected]])
      #expect(client.server.faultCounts.map(\.fault) == [fault])
    }
  }

  @Test func aCrashKeepsWhatCommitted() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("UPDATE t SET n = 11")
      try await b.run("BEGIN")
      try await b.run("UPDATE t SET n = 12")
      async let waiting = a.failure("UPDATE t SET n = 13")
      try await client.sleep(20)
      client.server.crash()
      #expect(try await waiting?.code == .connectionLost)
      try await client.sleep(20)
      #expect(b.status == .closed)
      await #expect(throws: SQLError.self) { _ = try await client.connect() }
      client.server.restart()
      do {
        _ = try await client.connect()
        Issue.record("a recovering server accepted")
      } catch let error as SQLError {
        #expect(error.sqlState == .cannotConnectNow)
      }
      try await client.sleep(300)
      let again = try await client.connect()
      #expect(try await again.run("SELECT n FROM t") == [["11"]])
      #expect(try await again.count("UPDATE t SET n = 14") == 1)
    }
  }

  @Test func aFailOverLosesTheLatestCommits() {
    Laboratory { $0.replicationLogLength = 10 }.run { client in
      let a = try await client.connect()
      try await a.script(Self.schema)
      try await a.run("UPDATE t SET n = 11")
      try await a.run("INSERT INTO t VALUES (2, 2)")
      try await a.run("DELETE FROM t WHERE id = 1")
      #expect(client.server.failOver(losing: 2).count == 2)
      client.server.restart()
      try await client.sleep(300)
      let again = try await client.connect()
      #expect(try await again.run("SELECT id, n FROM t") == [["1", "11"]])
      #expect(try await again.run("SELECT n FROM t WHERE id = 1") == [["11"]])
      #expect(try await again.failure("INSERT INTO t VALUES (2, 2)") == nil)
    }
  }

  @Test func aDeadlineCancelsTheStatement() {
    Laboratory().run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = 1")
      do {
        _ = try await b.execute("UPDATE t SET n = 2", deadline: client.now.advanced(by: .milliseconds(50)))
        Issue.record("the statement did not fail")
      } catch let error as SQLError {
        #expect(error.code == .deadlineExceeded)
        #expect(error.sqlState == .queryCanceled)
      }
      #expect(b.status == .idle)
      try await a.run("ROLLBACK")
      #expect(try await b.run("SELECT n FROM t") == [["10"]])
    }
  }

  @Test func aPartitionClosesTheConnectionAtTheDeadline() {
    let laboratory = Laboratory()
    let network = laboratory.network
    laboratory.run { client in
      let (a, b) = (try await client.connect(), try await client.connect())
      try await a.script(Self.schema)
      try await a.run("BEGIN")
      try await a.run("UPDATE t SET n = 1")
      network.partition([client.process.host], from: [client.server.host])
      do {
        _ = try await a.execute("COMMIT", deadline: client.now.advanced(by: .seconds(1)))
        Issue.record("the commit was answered")
      } catch let error as SQLError {
        #expect(error.code == .deadlineExceeded)
        #expect(error.commitMayHaveTakenEffect)
      }
      #expect(a.status == .closed)
      network.heal()
      // The server notices that the client is gone, and frees its row.
      #expect(try await b.count("UPDATE t SET n = 2") == 1)
    }
  }

  @Test func tooManyConnectionsAreRefused() {
    Laboratory { $0.maxConnections = 2 }.run { client in
      let (a, _) = (try await client.connect(), try await client.connect())
      do {
        _ = try await client.connect()
        Issue.record("a third connection was accepted")
      } catch let error as SQLError {
        #expect(error.sqlState == .tooManyConnections)
        #expect(error.code == .connectFailed)
      }
      a.close()
      try await client.sleep(10)
      _ = try await client.connect()
    }
  }

  @Test func observersSeeTheNetChangesOfACommit() {
    let laboratory = Laboratory()
    let seen = Seen()
    laboratory.server.onCommit { seen.records.append($0) }
    laboratory.run { client in
      let a = try await client.connect()
      try await a.script("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)")
      seen.records = []
      try await a.run("BEGIN")
      try await a.run("INSERT INTO t VALUES (1, 1), (2, 2)")
      try await a.run("UPDATE t SET n = 5 WHERE id = 1")
      try await a.run("DELETE FROM t WHERE id = 2")
      #expect(seen.records.isEmpty)
      try await a.run("COMMIT")
      #expect(seen.records.count == 1)
      #expect(seen.records.first?.changes.count == 1)
      #expect(seen.records.first?.changes.first?.new("n") == .int(5))
      #expect(seen.records.first?.changes.first?.old == nil)
      #expect(client.server.committedRows(of: "t").map { $0.values } == [[.int(1), .int(5)]])
    }
  }

  /// `@unchecked Sendable`: used on the kernel's thread alone.
  private final class Seen: @unchecked Sendable {
    var records: [CommitRecord] = []
  }

  @Test func oneSeedGivesOneHash() {
    func hash(_ seed: UInt64) -> UInt64 {
      let laboratory = Laboratory(seed: seed) { $0.rowOrder = .seeded }
      laboratory.server.faults.loseConnection = 0.05
      laboratory.run { client in
        let setup = try await client.connect()
        _ = try? await setup.script(Self.schema)
        try await withThrowingTaskGroup { group in
          for _ in 0..<8 {
            group.addTask {
              for _ in 0..<20 {
                guard let connection = try? await client.connect() else { continue }
                _ = try? await connection.run("UPDATE t SET n = n + 1 WHERE id = 1")
                _ = try? await connection.run(
                  "INSERT INTO t SELECT g, g FROM generate_series(2, 5) g ON CONFLICT DO NOTHING")
                connection.close()
              }
            }
          }
          try await group.waitForAll()
        }
      }
      return laboratory.kernel.trace.hash
    }
    #expect(hash(5) == hash(5))
    #expect(hash(5) != hash(6))
  }
}
