import FoundationEssentials
import Seams

extension Behaviour {
  /// Values go in and come out unchanged.
  static let values: [Behaviour] = [
    Behaviour("every scalar type makes the round trip") { bench in
      try await bench.session { connection in
        try await createTypes(bench, connection)
        let id = UUID(uuid: (0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255))
        let instant = Timestamp(microsecondsSinceEpoch: 1_767_225_600_250_001)
        let values: [SQLValue] = [
          .bool(true), .int(32_767), .int(-2_147_483_648), .int(.min), .double(0.1),
          .numeric("12345678901234567890.50"),
          .text("naïve 'quoted' \"text\" \\ \n\t 汉字 🫙"), .uuid(id), .timestamp(instant),
          .bytes([0, 1, 254, 255, 92, 39]),
          .json(#"{"a": [1, null, "x"]}"#),
        ]
        let insert: SQLStatement = """
          INSERT INTO every_type (id, flag, small, medium, large, real, exact, label, key, at, raw, document)
          VALUES (\(1), \(values[0]), \(values[1]), \(values[2]), \(values[3]), \(values[4]), \(values[5]), \(values[6]), \
          \(values[7]), \(values[8]), \(values[9]), \(values[10]))
          """
        try expectEqual(try await bench.run(insert, connection).rowCount, 1)
        let rows = try await bench.run(readTypes, connection).rows
        try expectEqual(rows.count, 1)
        try expectEqual(rows[0].values, values)
      }
    },
    Behaviour("NULL makes the round trip in every type") { bench in
      try await bench.session { connection in
        try await createTypes(bench, connection)
        let none = SQLValue.null
        let insert: SQLStatement = """
          INSERT INTO every_type (id, flag, small, medium, large, real, exact, label, key, at, raw, document)
          VALUES (\(1), \(none), \(none), \(none), \(none), \(none), \(none), \(none), \(none), \(none), \(none), \(none))
          """
        try await bench.run(insert, connection)
        let row = try await bench.run(readTypes, connection).rows[0]
        try expectEqual(row.values, Array(repeating: SQLValue.null, count: 11))
        try expectEqual(try row.decodeIfPresent("label", as: String.self), nil)
      }
    },
    Behaviour("columns carry their names and types") { bench in
      try await bench.session { connection in
        try await createTypes(bench, connection)
        let one = SQLValue.int(1)
        try await bench.run("INSERT INTO every_type (id, label) VALUES (\(one), \("x"))", connection)
        let row = try await bench.run(readTypes, connection).rows[0]
        try expectEqual(
          row.columns.columns.map { "\($0.name) \($0.typeName)" },
          [
            "flag bool", "small int2", "medium int4", "large int8", "real float8", "exact numeric", "label text",
            "key uuid", "at timestamptz", "raw bytea", "document jsonb",
          ])
      }
    },
    Behaviour("a wrong type or a missing value is named by column") { bench in
      try await bench.session { connection in
        try await createTypes(bench, connection)
        try await bench.run("INSERT INTO every_type (id, label) VALUES (\(1), \("x"))", connection)
        let row = try await bench.run(readTypes, connection).rows[0]
        try expectDecodingError(column: "label", expected: "uuid", found: "text") {
          _ = try row.decode("label", as: UUID.self)
        }
        try expectDecodingError(column: "large", expected: "integer", found: "NULL") {
          _ = try row.decode("large", as: Int.self)
        }
        try expectDecodingError(column: "colour", expected: "text", found: nil) {
          _ = try row.decode("colour", as: String.self)
        }
      }
    },
    Behaviour("arrays of quotes, backslashes, commas and NULLs make the round trip") { bench in
      try await bench.session { connection in
        let texts: [SQLValue] = [
          .text(""), .text("NULL"), .text("a,b"), .text("\"q\""), .text("\\"), .text("{}"), .text(" x "), .null,
          .text("'; DROP TABLE t; --"),
        ]
        let row = try await bench.run("SELECT \(SQLValue.array(texts))::text[] AS texts", connection).rows[0]
        try expectEqual(row.values, [.array(texts)])
        let numbers: [SQLValue] = [.int(1), .null, .int(-9_223_372_036_854_775_808)]
        let ids: [SQLValue] = [.uuid(UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)))]
        let more = try await bench.run(
          "SELECT \(SQLValue.array(numbers))::bigint[] AS n, \(SQLValue.array(ids))::uuid[] AS u, '{}'::int[] AS e",
          connection
        ).rows[0]
        try expectEqual(more.values, [.array(numbers), .array(ids), .array([])])
      }
    },
    Behaviour("an array spreads into rows") { bench in
      try await bench.session { connection in
        let ids = [3, 1, 2]
        let result = try await bench.run(
          "SELECT x FROM unnest(\(ids)::bigint[]) AS t(x) ORDER BY x", connection)
        try expectEqual(result.rows.map(\.values), [[.int(1)], [.int(2)], [.int(3)]])
      }
    },
    Behaviour("an injected string stays data") { bench in
      try await bench.session { connection in
        try await bench.run("CREATE TABLE victims (id integer PRIMARY KEY, name text NOT NULL)", connection)
        let strings = [
          "'; DROP TABLE victims; --", "x' OR '1'='1", "$1", "\\'; SELECT 1; --", "/* */", "{\"a\": 1}", "%s%n",
          "E'\\n'",
        ]
        for (index, text) in strings.enumerated() {
          try await bench.run("INSERT INTO victims (id, name) VALUES (\(index), \(text))", connection)
          let found = try await bench.run("SELECT id FROM victims WHERE name = \(text)", connection)
          try expectEqual(found.rows.map(\.values), [[.int(Int64(index))]], text)
        }
        let count = try await bench.run("SELECT count(*) AS n FROM victims", connection)
        try expectEqual(try count.rows[0].decode("n", as: Int.self), strings.count)
      }
    },
    Behaviour("a NUL character is refused, and nothing is lost") { bench in
      try await bench.session { connection in
        let error = try await bench.refusal("SELECT \("a\0b")::text AS t", connection)
        try expectEqual(error.sqlState, "22021")
        try expectEqual(try await bench.run("SELECT 1 AS one", connection).rows[0].values, [.int(1)])
      }
    },
  ]

  private static let readTypes: SQLStatement =
    "SELECT flag, small, medium, large, real, exact, label, key, at, raw, document FROM every_type"

  private static func createTypes(_ bench: Bench, _ connection: any SQLConnection) async throws {
    try await bench.run(
      """
      CREATE TABLE every_type (id integer PRIMARY KEY, flag boolean, small smallint, medium integer, large bigint,
        real double precision, exact numeric, label text, key uuid, at timestamptz, raw bytea, document jsonb)
      """, connection)
  }

  private static func expectDecodingError(
    column: String, expected: String, found: String?, line: Int = #line, _ body: () throws -> Void
  ) throws {
    do {
      try body()
    } catch let error as SQLDecodingError {
      try expectEqual(error.column, column, line: line)
      try expectEqual(error.expected, expected, line: line)
      if let found { try expectEqual(error.found, found, line: line) }
      return
    }
    throw ConformanceFailure("column \(column) was decoded as \(expected)", line: line)
  }
}
