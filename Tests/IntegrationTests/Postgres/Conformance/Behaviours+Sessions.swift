import Seams

extension Behaviour {
  /// Settings, isolation levels and the locks of savepoints.
  static let sessions: [Behaviour] = [
    Behaviour("a SET goes with the transaction that rolls back") { bench in
      try await bench.session { connection in
        for ending in ["ROLLBACK", "COMMIT"] {
          try await bench.run("BEGIN", connection)
          try await bench.run("SET lock_timeout = '1s'", connection)
          try expectEqual(try await shown("lock_timeout", bench, connection), "1s")
          try await bench.run(SQLStatement(trusted: ending), connection)
          try expectEqual(try await shown("lock_timeout", bench, connection), ending == "COMMIT" ? "1s" : "0", ending)
        }
        try await bench.run("BEGIN", connection)
        try await bench.run("SET lock_timeout = '2s'", connection)
        _ = try await bench.refusal("SELECT nothing", connection)
        try await bench.run("ROLLBACK", connection)
        try expectEqual(try await shown("lock_timeout", bench, connection), "1s")
      }
    },
    Behaviour("SET LOCAL ends with its transaction, beside a SET that stays") { bench in
      try await bench.session { connection in
        try await bench.run("BEGIN", connection)
        try await bench.run("SET LOCAL lock_timeout = '7s'", connection)
        try await bench.run("SET statement_timeout = '9s'", connection)
        try expectEqual(try await shown("lock_timeout", bench, connection), "7s")
        try await bench.run("COMMIT", connection)
        try expectEqual(try await shown("lock_timeout", bench, connection), "0")
        try expectEqual(try await shown("statement_timeout", bench, connection), "9s")
      }
    },
    Behaviour("ROLLBACK TO takes settings back") { bench in
      try await bench.session { connection in
        try await bench.run("BEGIN", connection)
        try await bench.run("SET lock_timeout = '1s'", connection)
        try await bench.run("SAVEPOINT a", connection)
        try await bench.run("SET lock_timeout = '2s'", connection)
        try await bench.run("SET LOCAL statement_timeout = '3s'", connection)
        try await bench.run("ROLLBACK TO SAVEPOINT a", connection)
        try expectEqual(try await shown("lock_timeout", bench, connection), "1s")
        try expectEqual(try await shown("statement_timeout", bench, connection), "0")
        try await bench.run("COMMIT", connection)
        try expectEqual(try await shown("lock_timeout", bench, connection), "1s")
      }
    },
    Behaviour("a batch that fails takes its SET back") { bench in
      try await bench.session { connection in
        _ = try await bench.error("the batch") {
          _ = try await connection.executeBatch(
            ["SET lock_timeout = '4s'", "SELECT nothing"], deadline: bench.soon)
        }
        try expectEqual(try await shown("lock_timeout", bench, connection), "0")
      }
    },
    Behaviour("the isolation level stands after the first query") { bench in
      try await bench.session { connection in
        try await bench.run("BEGIN", connection)
        try await bench.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", connection)
        try await bench.run("SELECT 1", connection)
        try expectError(
          try await bench.refusal("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", connection), "25001")
        try await bench.run("ROLLBACK", connection)
        try await bench.run("BEGIN", connection)
        try await bench.run("SELECT 1", connection)
        try expectError(
          try await bench.refusal("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", connection), "25001")
        try await bench.run("ROLLBACK", connection)
      }
    },
    Behaviour("ROLLBACK TO keeps the table locks from before the savepoint and frees those since") { bench in
      let (reader, definer) = (try await bench.connect(), try await bench.connect())
      defer {
        reader.close()
        definer.close()
      }
      try await bench.run("CREATE TABLE early (id integer)", reader)
      try await bench.run("CREATE TABLE late (id integer)", reader)
      try await bench.run("SET lock_timeout = '50ms'", definer)
      try await bench.run("BEGIN", reader)
      try await bench.run("SELECT id FROM early", reader)
      try await bench.run("SAVEPOINT a", reader)
      try await bench.run("SELECT id FROM late", reader)
      for table in ["early", "late"] {
        let change = SQLStatement(trusted: "ALTER TABLE \(table) ADD COLUMN first integer")
        try expectError(try await bench.refusal(change, definer), "55P03")
      }
      try await bench.run("ROLLBACK TO SAVEPOINT a", reader)
      try expectError(
        try await bench.refusal("ALTER TABLE early ADD COLUMN second integer", definer), "55P03")
      try await bench.run("ALTER TABLE late ADD COLUMN second integer", definer)
      try await bench.run("COMMIT", reader)
      try await bench.run("ALTER TABLE early ADD COLUMN second integer", definer)
    },
    Behaviour("who asks for what another waiter holds of the same lock is the victim at once") { bench in
      let (first, second) = (try await bench.connect(), try await bench.connect())
      defer {
        first.close()
        second.close()
      }
      for connection in [first, second] {
        try await bench.run("SET deadlock_timeout = '20s'", connection)
        try await bench.run("BEGIN", connection)
        try await bench.run("SELECT pg_advisory_xact_lock_shared(1)", connection)
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.run("SELECT pg_advisory_xact_lock(1)", first) }
        // The first waits before the second asks.
        try await bench.clock.sleep(until: bench.clock.now.advanced(by: .milliseconds(200)), tolerance: nil)
        let began = bench.clock.now
        try expectError(try await bench.refusal("SELECT pg_advisory_xact_lock(1)", second), "40P01")
        try expectTrue(began.duration(to: bench.clock.now) < .seconds(10), "found only by the deadlock time-out")
        try await bench.run("ROLLBACK", second)
        try await group.waitForAll()
      }
      try await bench.run("COMMIT", first)
    },
  ]

  private static func shown(
    _ setting: String, _ bench: Bench, _ connection: any SQLConnection
  ) async throws -> String? {
    let rows = try await bench.run(SQLStatement(trusted: "SHOW \(setting)"), connection).rows
    guard case .text(let value)? = rows.first?.values.first else { return nil }
    return value
  }
}
