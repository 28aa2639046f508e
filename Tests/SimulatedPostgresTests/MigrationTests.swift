import FoundationEssentials
import Seams
import SimulatedPostgres
import SimulationKernel
import Testing

/// The service's own migrations on the engine: up, down, up again.
@Suite struct MigrationTests {
  private static let folder = "Sources/Inventory/Migrations/"

  private static func files() throws -> [(up: String, down: String)] {
    let names = ["001_create_inventory_items", "002_create_reservations", "003_add_indexes", "004_add_constraints"]
    return try names.map { name in
      (
        try String(contentsOfFile: folder + name + ".sql", encoding: .utf8),
        try String(contentsOfFile: folder + name + ".down.sql", encoding: .utf8)
      )
    }
  }

  @Test func theyGoUpDownAndUpAgain() throws {
    let files = try Self.files()
    Laboratory().run { client in
      let connection = try await client.connect()
      let database = client.server.database
      var schemas: [String] = []
      for file in files {
        schemas.append(database.schemaDescription())
        try await connection.script(file.up)
      }
      let full = database.schemaDescription()
      #expect(full.contains("inventory_items: CONSTRAINT inventory_items_reserved_check CHECK"))
      for (file, before) in zip(files, schemas).reversed() {
        try await connection.script(file.down)
        #expect(database.schemaDescription() == before)
      }
      for file in files { try await connection.script(file.up) }
      #expect(database.schemaDescription() == full)
    }
  }

  @Test func aMembershipTestUsesTheIndex() throws {
    let files = try Self.files()
    Laboratory { $0.rowOrder = .seeded }.run { client in
      let connection = try await client.connect()
      for file in files { try await connection.script(file.up) }
      try await connection.run(
        """
        INSERT INTO inventory_items (product_id, quantity)
        SELECT ('00000000-0000-0000-0000-0000000' || (10000 + g)::text)::uuid, g FROM generate_series(1, 50) AS g
        """)
      let order = UUID(high: 1, low: 2)
      try await connection.run(
        "INSERT INTO reservations (id, order_id, expires_at) VALUES ($1, $1, now() + interval '1 s')", .uuid(order))
      try await connection.run(
        """
        INSERT INTO reservation_items SELECT $1, product_id, 1 FROM inventory_items WHERE quantity IN (3, 7)
        """, .uuid(order))
      let locked = try await connection.run(
        """
        SELECT quantity FROM inventory_items
        WHERE product_id IN (SELECT product_id FROM reservation_items WHERE reservation_id = $1)
        ORDER BY product_id FOR NO KEY UPDATE
        """, .uuid(order))
      #expect(locked == [["3"], ["7"]])
      let updated = try await connection.count(
        """
        UPDATE inventory_items AS i SET quantity = i.quantity - l.quantity, version = i.version + 1, updated_at = now()
        FROM reservation_items AS l WHERE l.reservation_id = $1 AND i.product_id = l.product_id
        """, .uuid(order))
      #expect(updated == 2)
      try await connection.run(
        """
        INSERT INTO stock_movements (product_id, delta, reason, ref)
        SELECT product_id, -quantity, 'confirmed', reservation_id::text FROM reservation_items
        WHERE reservation_id = $1 ORDER BY product_id
        """, .uuid(order))
      #expect(
        try await connection.run("SELECT id, delta FROM stock_movements ORDER BY id") == [["1", "-1"], ["2", "-1"]])
      let early = try await connection.run(
        "SELECT id FROM reservations WHERE status = 'pending' AND expires_at <= now() ORDER BY expires_at, id LIMIT 5")
      #expect(early == [])
      try await client.sleep(2_000)
      let due = try await connection.run(
        """
        SELECT id FROM reservations WHERE id = ANY($1::uuid[]) AND status = 'pending' AND expires_at <= now()
        ORDER BY id FOR UPDATE SKIP LOCKED
        """, .array([.uuid(order)]))
      #expect(due.count == 1)
    }
  }
}
