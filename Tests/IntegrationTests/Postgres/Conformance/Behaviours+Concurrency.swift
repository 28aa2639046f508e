import Seams

/// Judges a connection after a deadline: idle, with nothing done; or closed because the server did not confirm the
/// cancellation within the grace, and then the error says that a commit may have taken effect.
///
/// - Returns: whether it is the first.
private func isCleanAfterDeadline(_ connection: any SQLConnection, _ error: SQLError) throws -> Bool {
  guard connection.status == .closed else {
    try expectEqual(connection.status, .idle)
    try expectEqual(error.commitMayHaveTakenEffect, false)
    return true
  }
  try expectEqual(error.commitMayHaveTakenEffect, true)
  return false
}

extension Behaviour {
  /// Several sessions at once, time-outs, and connections that end.
  static let concurrency: [Behaviour] = [
    Behaviour("a deadline cancels a statement that waits") { bench in
      try await contended(bench) { holder, waiter in
        let error = try await bench.error("the update") {
          let deadline = bench.clock.now.advanced(by: .milliseconds(100))
          _ = try await waiter.execute("UPDATE t SET n = 2 WHERE id = 1", deadline: deadline)
        }
        try expectEqual(error.code, .deadlineExceeded)
        guard try isCleanAfterDeadline(waiter, error) else { return }
        try expectEqual(try await bench.run("SELECT 1 AS one", waiter).rows[0].values, [.int(1)])
        try await bench.run("COMMIT", holder)
        try expectEqual(try await bench.run("SELECT n FROM t WHERE id = 1", holder).rows[0].values, [.int(1)])
      }
    },
    Behaviour("a deadline in a transaction leaves nothing of it") { bench in
      try await contended(bench) { holder, waiter in
        try await bench.run("BEGIN", waiter)
        try await bench.run("UPDATE t SET n = 7 WHERE id = 2", waiter)
        let error = try await bench.error("the update") {
          let deadline = bench.clock.now.advanced(by: .milliseconds(100))
          _ = try await waiter.execute("UPDATE t SET n = 2 WHERE id = 1", deadline: deadline)
        }
        try expectEqual(error.code, .deadlineExceeded)
        try expectEqual(error.commitMayHaveTakenEffect, false)
        try expectTrue(waiter.status != .inTransaction, "the transaction cannot go on after a deadline")
        if waiter.status != .closed { try await bench.run("ROLLBACK", waiter) }
        try await bench.run("COMMIT", holder)
        try expectEqual(try await bench.run("SELECT n FROM t WHERE id = 2", holder).rows[0].values, [.int(0)])
      }
    },
    Behaviour("a deadline in a batch rolls the batch back") { bench in
      try await contended(bench) { holder, waiter in
        let error = try await bench.error("the batch") {
          let deadline = bench.clock.now.advanced(by: .milliseconds(100))
          _ = try await waiter.executeBatch(
            ["BEGIN", "UPDATE t SET n = 7 WHERE id = 2", "UPDATE t SET n = 7 WHERE id = 1", "COMMIT"],
            deadline: deadline)
        }
        try expectEqual(error.code, .deadlineExceeded)
        guard try isCleanAfterDeadline(waiter, error) else { return }
        try await bench.run("COMMIT", holder)
        try expectEqual(try await bench.run("SELECT n FROM t WHERE id = 2", holder).rows[0].values, [.int(0)])
      }
    },
    Behaviour("a deadline that has passed sends nothing") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer)", connection)
        let error = try await bench.error("the insert") {
          _ = try await connection.execute("INSERT INTO t VALUES (1)", deadline: bench.clock.now)
        }
        try expectEqual(error.code, .deadlineExceeded)
        try expectEqual(error.commitMayHaveTakenEffect, false)
        try expectEqual(try await bench.run("SELECT id FROM t", connection).rows.count, 0)
      }
    },
    Behaviour("cancelling the task cancels the statement") { bench in
      try await contended(bench) { holder, waiter in
        try await withThrowingTaskGroup(of: Bool.self) { group in
          group.addTask {
            do {
              _ = try await waiter.execute("UPDATE t SET n = 2 WHERE id = 1", deadline: bench.soon)
              return false
            } catch is CancellationError {
              return true
            }
          }
          try await bench.clock.sleep(until: bench.clock.now.advanced(by: .milliseconds(20)), tolerance: nil)
          group.cancelAll()
          try expectEqual(try await group.next(), true)
        }
        // A connection that is still open has the server's word that the statement is no more; of one that was closed
        // under it, the server may not have heard yet.
        try expectTrue(waiter.status == .idle || waiter.status == .closed, "found \(waiter.status)")
        let mayHaveHappened = waiter.status == .closed
        try await bench.run("COMMIT", holder)
        let n = try await bench.run("SELECT n FROM t WHERE id = 1", holder).rows[0].values
        try expectTrue(n == [.int(1)] || mayHaveHappened && n == [.int(2)], "found \(n)")
      }
    },
    Behaviour("lock_timeout and NOWAIT answer 55P03") { bench in
      try await contended(bench) { _, waiter in
        try await bench.run("BEGIN", waiter)
        try await bench.run("SET LOCAL lock_timeout = '50ms'", waiter)
        try expectError(try await bench.refusal("UPDATE t SET n = 2 WHERE id = 1", waiter), "55P03")
        try await bench.run("ROLLBACK", waiter)
        try expectError(
          try await bench.refusal("SELECT id FROM t WHERE id = 1 FOR UPDATE NOWAIT", waiter), "55P03")
        let free = try await bench.run("SELECT id FROM t ORDER BY id FOR UPDATE SKIP LOCKED", waiter)
        try expectEqual(free.rows.map(\.values), [[.int(2)]])
      }
    },
    Behaviour("statement_timeout answers 57014") { bench in
      try await contended(bench) { _, waiter in
        try await bench.run("BEGIN", waiter)
        try await bench.run("SET LOCAL statement_timeout = '50ms'", waiter)
        try expectError(try await bench.refusal("UPDATE t SET n = 2 WHERE id = 1", waiter), "57014")
        try expectEqual(waiter.status, .inFailedTransaction)
        try await bench.run("ROLLBACK", waiter)
      }
    },
    Behaviour("a deadlock ends with one victim") { bench in
      try await contended(bench) { first, second in
        try await bench.run("BEGIN", second)
        try await bench.run("UPDATE t SET n = 2 WHERE id = 2", second)
        async let one = outcome("UPDATE t SET n = n + 10 WHERE id = 2", first, bench)
        async let two = outcome("UPDATE t SET n = n + 10 WHERE id = 1", second, bench)
        let states = try await [one, two]
        try expectEqual(states.filter { $0 == .deadlockDetected }.count, 1, "\(states)")
        try expectEqual(states.filter { $0 == nil }.count, 1, "\(states)")
        try await bench.run("ROLLBACK", first)
        try await bench.run("ROLLBACK", second)
      }
    },
    Behaviour("REPEATABLE READ refuses to overwrite what it has not seen") { bench in
      try await contended(bench) { holder, reader in
        try await bench.run("BEGIN ISOLATION LEVEL REPEATABLE READ", reader)
        try expectEqual(try await bench.run("SELECT n FROM t WHERE id = 1", reader).rows[0].values, [.int(0)])
        try await bench.run("COMMIT", holder)
        try expectEqual(try await bench.run("SELECT n FROM t WHERE id = 1", reader).rows[0].values, [.int(0)])
        let error = try await bench.refusal("UPDATE t SET n = 5 WHERE id = 1", reader)
        try expectError(error, "40001")
        try expectEqual(error.disposition, .retryable)
        try await bench.run("ROLLBACK", reader)
      }
    },
    Behaviour("a waiting update sees the new version") { bench in
      try await contended(bench) { holder, waiter in
        async let guarded = bench.run("UPDATE t SET n = 2 WHERE id = 1 AND n = 0", waiter)
        async let blind = bench.run("COMMIT", holder)
        _ = try await blind
        try expectEqual(try await guarded.rowCount, 0)
      }
    },
    Behaviour("a connection that the server ends is closed") { bench in
      let victim = try await bench.connect()
      try await bench.run("CREATE TABLE t (id integer)", victim)
      try await bench.run("BEGIN", victim)
      try await bench.run("INSERT INTO t VALUES (1)", victim)
      try await bench.terminate(victim)
      let error = try await bench.refusal("INSERT INTO t VALUES (2)", victim)
      let isExpected =
        error.sqlState == .adminShutdown || error.code == .connectionLost || error.code == .connectionClosed
      try expectTrue(isExpected, "\(error)")
      try expectEqual(error.commitMayHaveTakenEffect, false, "\(error)")
      try expectEqual(victim.status, .closed)
      try await bench.session { other in
        try expectEqual(try await bench.run("SELECT id FROM t", other).rows.count, 0)
      }
    },
  ]

  /// Table `t` with rows 1 and 2, both of n 0. The first connection has a transaction open that has set row 1 to 1.
  private static func contended(
    _ bench: Bench, _ body: (any SQLConnection, any SQLConnection) async throws -> Void
  ) async throws {
    let holder = try await bench.connect()
    let waiter = try await bench.connect()
    defer {
      holder.close()
      waiter.close()
    }
    try await bench.run("CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL)", holder)
    try await bench.run("INSERT INTO t VALUES (1, 0), (2, 0)", holder)
    try await bench.run("BEGIN", holder)
    try await bench.run("UPDATE t SET n = 1 WHERE id = 1", holder)
    try await body(holder, waiter)
  }

  private static func outcome(
    _ statement: SQLStatement, _ connection: any SQLConnection, _ bench: Bench
  ) async throws -> SQLState? {
    do {
      try await bench.run(statement, connection)
      return nil
    } catch let error as SQLError {
      // The victim's locks go with its transaction, so that the other side goes on.
      try await bench.run("ROLLBACK", connection)
      return error.sqlState
    }
  }
}
