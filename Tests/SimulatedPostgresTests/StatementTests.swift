import Seams
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct StatementTests {
  private static let schema = """
    CREATE TABLE inventory_items (
      product_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      quantity integer NOT NULL CHECK (quantity >= 0),
      reserved integer NOT NULL DEFAULT 0,
      version bigint NOT NULL DEFAULT 1,
      updated_at timestamptz NOT NULL DEFAULT now(),
      CHECK (reserved <= quantity)
    ) WITH (fillfactor = 50);
    CREATE TABLE reservations (
      id uuid PRIMARY KEY, order_id uuid NOT NULL UNIQUE, status text NOT NULL, expires_at timestamptz NOT NULL
    );
    CREATE TABLE reservation_items (
      reservation_id uuid NOT NULL REFERENCES reservations ON DELETE CASCADE,
      product_id uuid NOT NULL, quantity integer NOT NULL, PRIMARY KEY (reservation_id, product_id)
    );
    CREATE INDEX reservations_expiry ON reservations (expires_at) WHERE status = 'pending';
    """

  @Test func aTraceShowsStatementsOnOneLineWithValuesAsLiterals() {
    let laboratory = Laboratory()
    laboratory.run { client in
      let connection = try await client.connect()
      try await connection.run(
        """
        SELECT $1::uuid[],   $2::integer -- the comment goes
          , $3::text, 'two  spaces', $4::boolean, $5::timestamptz, $6::text, $7::text, $8::text[]
        """,
        .array([.text("00000000-0000-0000-0000-00000000000a")]), .int(-7), .text("it's"), .bool(true),
        .timestamp(Timestamp(microsecondsSinceEpoch: 1_500_000)), .null, .text("a\\\nb"), .array([]))
    }
    let statements = laboratory.kernel.trace.events.filter { $0.kind == .sqlStatement }.map(\.detail)
    #expect(
      statements.last?.drop { $0 != "S" } == """
        SELECT $1::uuid[], $2::integer , $3::text, 'two  spaces', $4::boolean, $5::timestamptz, $6::text, $7::text, \
        $8::text[]; $1 = ARRAY['00000000-0000-0000-0000-00000000000a'], $2 = -7, $3 = 'it''s', $4 = true, \
        $5 = '1970-01-01 00:00:01.5+00', $6 = NULL, $7 = E'a\\\\\\nb', $8 = '{}'
        """)
  }

  @Test func aReservationRunsFromStartToEnd() {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script(Self.schema)
      let (a, b) = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b")
      try await connection.run(
        "INSERT INTO inventory_items (product_id, quantity) VALUES ($1, $2), ($3, $4)", .text(a), .int(10), .text(b),
        .int(5))
      try await connection.run("BEGIN ISOLATION LEVEL READ COMMITTED")
      #expect(connection.status == .inTransaction)
      let locked = try await connection.run(
        """
        SELECT product_id, quantity - reserved AS available FROM inventory_items WHERE product_id = ANY($1::uuid[])
        ORDER BY product_id FOR NO KEY UPDATE
        """, .array([.text(b), .text(a)]))
      #expect(locked == [[a, "10"], [b, "5"]])
      let changed = try await connection.run(
        """
        UPDATE inventory_items AS i SET reserved = i.reserved + c.units, version = i.version + 1
        FROM unnest($1::uuid[], $2::int4[]) AS c(product_id, units) WHERE i.product_id = c.product_id
        RETURNING i.product_id, i.reserved, i.version
        """, .array([.text(a), .text(b)]), .array([.int(3), .int(5)]))
      #expect(Set(changed) == [[a, "3", "2"], [b, "5", "2"]])
      try await connection.run(
        "INSERT INTO reservations VALUES ($1, $2, 'pending', now() + $3 * interval '1 second')", .text(a), .text(b),
        .int(900))
      try await connection.run(
        "INSERT INTO reservation_items SELECT $1, u.id, u.n FROM unnest($2::uuid[], $3::int[]) AS u(id, n)", .text(a),
        .array([.text(a), .text(b)]), .array([.int(3), .int(5)]))
      try await connection.run("COMMIT")
      #expect(connection.status == .idle)
      let sums = try await connection.run(
        """
        SELECT count(*), coalesce(sum(quantity), 0), count(*) FILTER (WHERE quantity > 3), min(quantity)
        FROM reservation_items WHERE reservation_id = $1
        """, .text(a))
      #expect(sums == [["2", "8", "1", "3"]])
      let overdue = try await connection.run(
        """
        SELECT r.status, l.quantity, r.expires_at <= now() AS is_overdue FROM reservations r
        LEFT JOIN reservation_items AS l ON l.reservation_id = r.id WHERE r.id = $1 ORDER BY l.product_id
        """, .text(a))
      #expect(overdue == [["pending", "3", "f"], ["pending", "5", "f"]])
      let error = try await connection.failure(
        "UPDATE inventory_items SET quantity = -1 WHERE product_id = $1", .text(a))
      #expect(error?.sqlState == .checkViolation)
      #expect(error?.constraint == "inventory_items_check")
      let duplicate = try await connection.failure(
        "INSERT INTO reservations VALUES ($1, $2, 'pending', now())", .text(b), .text(b))
      #expect(duplicate?.constraint == "reservations_order_id_key")
      #expect(duplicate?.detail == "Key (order_id)=(\(b)) already exists.")
      #expect(try await connection.count("DELETE FROM reservations") == 1)
      #expect(try await connection.run("SELECT count(*) FROM reservation_items") == [["0"]])
    }
  }

  @Test func conflictsAreTakenOrIgnored() {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script("CREATE TABLE k (id int PRIMARY KEY, n int NOT NULL DEFAULT 1)")
      #expect(try await connection.run("INSERT INTO k VALUES (1) ON CONFLICT DO NOTHING RETURNING id") == [["1"]])
      #expect(try await connection.run("INSERT INTO k VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING id") == [])
      #expect(
        try await connection.run(
          "INSERT INTO k VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = k.n + excluded.n RETURNING n") == [["6"]])
      #expect(
        try await connection.run(
          "INSERT INTO k VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = 0 WHERE k.n > 100 RETURNING n") == [])
      let error = try await connection.failure(
        "INSERT INTO k VALUES (2), (2) ON CONFLICT (id) DO UPDATE SET n = 0")
      #expect(error?.sqlState == "21000")
    }
  }

  @Test func changesInWithRunOnOneSnapshot() {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)")
      let rows = try await connection.run(
        """
        WITH gone AS (DELETE FROM t WHERE n = 1 RETURNING id), added AS (INSERT INTO t VALUES (3, 3))
        SELECT (SELECT count(*) FROM t), (SELECT id FROM gone)
        """)
      #expect(rows == [["2", "1"]])
      #expect(try await connection.run("SELECT id FROM t ORDER BY id") == [["2"], ["3"]])
    }
  }

  @Test(
    arguments: [
      ("SELECT 1 +", "42601", 11, "syntax error at end of input"),
      ("SELEC 1", "42601", 1, "syntax error at or near \"SELEC\""),
      ("SELECT x FROM t", "42703", 8, "column \"x\" does not exist"),
      ("SELECT * FROM nowhere", "42P01", 15, "relation \"nowhere\" does not exist"),
      ("SELECT id FROM t a, t b", "42702", 8, "column reference \"id\" is ambiguous"),
      ("SELECT id = 'x' FROM t", "22P02", 13, "invalid input syntax for type integer: \"x\""),
      ("SELECT id + true FROM t", "42883", 11, "operator does not exist: integer + boolean"),
      ("SELECT nofunction(id) FROM t", "42883", 8, "function nofunction(integer) does not exist"),
      ("INSERT INTO t (id) VALUES (true)", "42804", 28, nil),
      ("SELECT id FROM t WHERE id", "42804", 24, "argument of WHERE must be type boolean, not type integer"),
      ("SELECT id, count(*) FROM t", "42803", 8, nil),
      ("SELECT id FROM t ORDER BY id LIMIT 1 FOR SYSTEM", "42601", 42, nil),
      ("SELECT sum(id) OVER (ORDER BY id) FROM t", "0A000", 8, nil),
      ("WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r", "0A000", 6, nil),
      ("SELECT id FROM t TABLESAMPLE system (1)", "0A000", 18, nil),
    ] as [(String, String, Int, String?)])
  func aMistakeIsNamedWithItsPosition(_ text: String, _ state: String, _ position: Int, _ message: String?) {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script("CREATE TABLE t (id int PRIMARY KEY, n int)")
      let error = try await connection.failure(text)
      #expect(error?.sqlState?.description == state)
      #expect(error?.position == position)
      if let message { #expect(error?.message == message) }
    }
  }

  @Test func refusedSQLEndsTheRun() {
    let laboratory = Laboratory { $0.refusalFailsHarness = true }
    let server = laboratory.server
    let outcome = laboratory.kernel.run { process in
      let connection = try await Client(process: process, server: server).connect()
      try await connection.run("LISTEN x")
    }
    guard case .harnessFailure(let message) = outcome else {
      Issue.record("the run ended with \(outcome)")
      return
    }
    #expect(message.contains("LISTEN"))
    _ = laboratory.kernel.reap()
  }
}
