import Seams

extension Behaviour {
  /// Transactions, row counts and batches on one connection.
  static let transactions: [Behaviour] = [
    Behaviour("the status follows the transaction") { bench in
      try await bench.session { connection in
        try await createFamily(bench, connection)
        try expectEqual(connection.status, .idle)
        try await bench.run("BEGIN", connection)
        try expectEqual(connection.status, .inTransaction)
        _ = try await bench.refusal("INSERT INTO parents (id, name) VALUES (1, 'b')", connection)
        try expectEqual(connection.status, .inFailedTransaction)
        let refused = try await bench.refusal("SELECT 1", connection)
        try expectError(refused, "25P02")
        try expectEqual(connection.status, .inFailedTransaction)
        try await bench.run("ROLLBACK", connection)
        try expectEqual(connection.status, .idle)
        connection.close()
        connection.close()
        try expectEqual(connection.status, .closed)
        let closed = try await bench.refusal("SELECT 1", connection)
        try expectEqual(closed.code, .connectionClosed)
        try expectEqual(closed.commitMayHaveTakenEffect, false)
      }
    },
    Behaviour("COMMIT keeps and ROLLBACK undoes") { bench in
      try await bench.session { connection in
        try await createFamily(bench, connection)
        for (ending, count) in [("COMMIT", 2), ("ROLLBACK", 2)] {
          try await bench.run("BEGIN", connection)
          let id = ending == "COMMIT" ? 2 : 3
          try await bench.run("INSERT INTO parents (id, name) VALUES (\(id), 'x')", connection)
          try await bench.run(SQLStatement(trusted: ending), connection)
          try expectEqual(try await bench.run("SELECT id FROM parents", connection).rows.count, count, ending)
        }
      }
    },
    Behaviour("COMMIT of a failed transaction rolls back") { bench in
      try await bench.session { connection in
        try await createFamily(bench, connection)
        try await bench.run("BEGIN", connection)
        try await bench.run("INSERT INTO parents (id, name) VALUES (2, 'b')", connection)
        _ = try await bench.refusal("INSERT INTO parents (id, name) VALUES (1, 'b')", connection)
        try await bench.run("COMMIT", connection)
        try expectEqual(connection.status, .idle)
        try expectEqual(try await bench.run("SELECT id FROM parents", connection).rows.count, 1)
      }
    },
    Behaviour("row counts are those of the command") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer PRIMARY KEY, n integer)", connection)
        let insert = try await bench.run("INSERT INTO t VALUES (1, 0), (2, 0), (3, 5)", connection)
        try expectEqual(insert.rowCount, 3)
        try expectEqual(try await bench.run("UPDATE t SET n = n + 1 WHERE n = 0", connection).rowCount, 2)
        try expectEqual(try await bench.run("UPDATE t SET n = 0 WHERE id = 9", connection).rowCount, 0)
        let returned = try await bench.run("UPDATE t SET n = n * 2 WHERE id <= 2 RETURNING id, n", connection)
        try expectEqual(returned.rowCount, 2)
        try expectEqual(Set(returned.rows.map(\.values)), [[.int(1), .int(2)], [.int(2), .int(2)]])
        let skipped = try await bench.run("INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO NOTHING", connection)
        try expectEqual(skipped.rowCount, 0)
        try expectEqual(try await bench.run("SELECT id FROM t WHERE n > 0", connection).rowCount, 3)
        try expectEqual(try await bench.run("DELETE FROM t", connection).rowCount, 3)
        try expectEqual(try await bench.run("BEGIN", connection).rowCount, 0)
      }
    },
    Behaviour("a batch is one transaction and gives one result for each statement") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer PRIMARY KEY)", connection)
        let insert: SQLStatement = "INSERT INTO t VALUES (\(1))"
        let other: SQLStatement = "INSERT INTO t VALUES (\(2))"
        let results = try await connection.executeBatch(
          [insert, other, "SELECT id FROM t ORDER BY id"], deadline: bench.soon)
        try expectEqual(results.map(\.rowCount), [1, 1, 2])
        try expectEqual(results[2].rows.map(\.values), [[.int(1)], [.int(2)]])
        try expectEqual(connection.status, .idle)
        try expectEqual(try await connection.executeBatch([], deadline: bench.soon).count, 0)
      }
    },
    Behaviour("the first error ends a batch and undoes it") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer PRIMARY KEY)", connection)
        let error = try await bench.error("the batch") {
          _ = try await connection.executeBatch(
            ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES ('x')"],
            deadline: bench.soon)
        }
        try expectError(error, "23505", constraint: "t_pkey")
        try expectEqual(error.batchIndex, 1)
        try expectEqual(connection.status, .idle)
        try expectEqual(try await bench.run("SELECT id FROM t", connection).rows.count, 0)
      }
    },
    Behaviour("a batch may hold its own BEGIN and COMMIT") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer PRIMARY KEY)", connection)
        _ = try await connection.executeBatch(
          ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"], deadline: bench.soon)
        try expectEqual(connection.status, .idle)
        let error = try await bench.error("the batch") {
          _ = try await connection.executeBatch(
            ["BEGIN", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (1)", "COMMIT"], deadline: bench.soon)
        }
        try expectError(error, "23505")
        try expectEqual(error.batchIndex, 2)
        try expectEqual(connection.status, .idle, "the transaction that the batch opened is rolled back")
        try expectEqual(try await bench.run("SELECT id FROM t", connection).rows.map(\.values), [[.int(1)]])
      }
    },
    Behaviour("an error after a batch's COMMIT says that the commit stands") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer PRIMARY KEY)", connection)
        let error = try await bench.error("the batch") {
          _ = try await connection.executeBatch(
            ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT", "INSERT INTO t VALUES (1)"], deadline: bench.soon)
        }
        try expectEqual(error.sqlState, .uniqueViolation)
        try expectEqual(error.batchIndex, 3)
        try expectEqual(error.commitMayHaveTakenEffect, true)
        try expectEqual(try await bench.run("SELECT id FROM t", connection).rows.count, 1)
      }
    },
    Behaviour("a failed batch rolls back the transaction it ran in") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE t (id integer PRIMARY KEY)", connection)
        try await bench.run("BEGIN", connection)
        try await bench.run("INSERT INTO t VALUES (1)", connection)
        _ = try await bench.error("the batch") {
          _ = try await connection.executeBatch(["INSERT INTO t VALUES (1)"], deadline: bench.soon)
        }
        try expectEqual(connection.status, .idle)
        try expectEqual(try await bench.run("SELECT id FROM t", connection).rows.count, 0)
      }
    },
    Behaviour("now() stands still in a transaction") { bench in
      try await bench.session { connection in
        try await bench.run("BEGIN", connection)
        let first = try await bench.run("SELECT now() AS n", connection).rows[0].values
        let second = try await bench.run("SELECT now() AS n", connection).rows[0].values
        try expectEqual(first, second)
        try await bench.run("COMMIT", connection)
      }
    },
  ]
}
