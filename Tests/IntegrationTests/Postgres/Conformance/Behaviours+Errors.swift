import Seams

extension Behaviour {
  /// What a failed statement says.
  static let errors: [Behaviour] = [
    Behaviour("a broken constraint names itself, its table and its column") { bench in
      try await bench.session { connection in
        try await createFamily(bench, connection)
        let duplicate = try await bench.refusal("INSERT INTO parents (id, name) VALUES (1, 'b')", connection)
        try expectError(duplicate, "23505", table: "parents", constraint: "parents_pkey")
        try expectEqual(duplicate.detail, "Key (id)=(1) already exists.")
        try expectEqual(duplicate.message, "duplicate key value violates unique constraint \"parents_pkey\"")
        let orphan = try await bench.refusal("INSERT INTO children (id, parent_id, n) VALUES (1, 9, 1)", connection)
        try expectError(orphan, "23503", table: "children", constraint: "children_parent_id_fkey")
        let missing = try await bench.refusal("INSERT INTO parents (id, name) VALUES (2, NULL)", connection)
        try expectError(missing, "23502", table: "parents", column: "name")
        let negative = try await bench.refusal("INSERT INTO children (id, parent_id, n) VALUES (1, 1, -1)", connection)
        try expectError(negative, "23514", table: "children", constraint: "n_is_positive")
        try await bench.run("INSERT INTO children (id, parent_id, n) VALUES (1, 1, 1)", connection)
        let referenced = try await bench.refusal("DELETE FROM parents WHERE id = 1", connection)
        try expectError(referenced, "23503", table: "children", constraint: "children_parent_id_fkey")
        try expectEqual(connection.status, .idle)
      }
    },
    Behaviour("a syntax error says where") { bench in
      try await bench.session { connection in
        let error = try await bench.refusal("SELECT id FRM parents", connection)
        try expectError(error, "42601")
        try expectEqual(error.position, 15)
        try expectEqual(error.disposition, .permanent)
      }
    },
    Behaviour("an unknown table and an unknown column are named") { bench in
      try await bench.session { connection in
        try await createFamily(bench, connection)
        let table = try await bench.refusal("SELECT id FROM nobody", connection)
        try expectError(table, "42P01")
        try expectEqual(table.message, "relation \"nobody\" does not exist")
        try expectEqual(table.position, 16)
        let column = try await bench.refusal("SELECT nothing FROM parents", connection)
        try expectError(column, "42703")
        try expectEqual(column.position, 8)
      }
    },
    Behaviour("a value that does not fit is refused") { bench in
      try await bench.session { connection in
        try await createFamily(bench, connection)
        let text = try await bench.refusal("INSERT INTO parents (id, name) VALUES (\("one"), 'x')", connection)
        try expectError(text, "22P02")
        let large = try await bench.refusal("INSERT INTO parents (id, name) VALUES (\(3_000_000_000), 'x')", connection)
        try expectError(large, "22003")
        let division = try await bench.refusal("SELECT id / (id - 1) FROM parents", connection)
        try expectError(division, "22012")
      }
    },
    Behaviour("a failed statement is prepared anew and may then succeed") { bench in
      try await bench.session { connection in
        let select: SQLStatement = "SELECT n FROM later"
        try expectError(try await bench.refusal(select, connection), "42P01")
        try await bench.run("CREATE TABLE later (n integer)", connection)
        try await bench.run("INSERT INTO later VALUES (7)", connection)
        try expectEqual(try await bench.run(select, connection).rows.map(\.values), [[.int(7)]])
      }
    },
    Behaviour("a script that fails undoes what it did") { bench in
      try await bench.session { connection in
        let error = try await bench.error("the script") {
          try await connection.executeScript(
            "CREATE TABLE a (n integer); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)", deadline: bench.soon)
        }
        try expectError(error, "42P01")
        try expectEqual(connection.status, .idle)
        try expectError(try await bench.refusal("SELECT n FROM a", connection), "42P01")
        try await connection.executeScript(
          "CREATE TABLE a (n integer); -- a comment; with a semicolon\nINSERT INTO a VALUES (1);", deadline: bench.soon)
        try expectEqual(try await bench.run("SELECT n FROM a", connection).rows.count, 1)
      }
    },
  ]

  static func createFamily(_ bench: Bench, _ connection: any SQLConnection) async throws {
    try await bench.run("CREATE TABLE parents (id integer PRIMARY KEY, name text NOT NULL)", connection)
    try await bench.run(
      """
      CREATE TABLE children (id integer PRIMARY KEY, parent_id integer NOT NULL REFERENCES parents (id),
        n integer NOT NULL CONSTRAINT n_is_positive CHECK (n >= 0))
      """, connection)
    try await bench.run("INSERT INTO parents (id, name) VALUES (1, 'a')", connection)
  }

  static func expectError(
    _ error: SQLError, _ state: SQLState, table: String? = nil, column: String? = nil, constraint: String? = nil,
    line: Int = #line
  ) throws {
    try expectEqual(error.sqlState, state, error.message, line: line)
    try expectEqual(error.code, .server, error.message, line: line)
    try expectEqual(error.commitMayHaveTakenEffect, false, error.message, line: line)
    if let table { try expectEqual(error.table, table, error.message, line: line) }
    if let column { try expectEqual(error.column, column, error.message, line: line) }
    if let constraint { try expectEqual(error.constraint, constraint, error.message, line: line) }
  }
}
