import Inventory
import Postgres
import Seams
import Testing

/// How much of a table PostgreSQL reads to find one row.
@Suite("Plans that sessions made on empty tables", .timeLimit(.minutes(1)))
struct PlanTests {
  @Test func stillFindRowsByTheirKeysOnceTheTablesAreFull() async throws {
    try await LiveDatabase.with { database in
      let connector = try LiveDatabase.connector(url: LiveDatabase.url(database: database.name)) {
        $0.sessionSettings = InventoryDatabase.sessionSettings
      }
      try await LiveInventory.run(on: database, through: connector) { inventory in
        let product = try await inventory.seed(products: 1, quantity: 100_000)[0]
        for _ in 0..<12 {
          let answers = try await inventory.atOnce(50) { client, _ in try await client.reserve([product]) }
          #expect(answers.tally == ["200": 50])
        }
      }
      // Sessions report their figures as they end. Reading every row at each insert would make 600 * 600 / 2 of them.
      let read = try await database.count(
        """
        SELECT sum(seq_tup_read)::int8 FROM pg_stat_user_tables WHERE relname IN ('reservations', 'reservation_items')
        """)
      #expect(read < 5_000, "\(read) rows were read by sequential scans")
      #expect(try await database.count("SELECT count(*) FROM reservations") == 600)
    }
  }

  @Test func aWrongSettingFailsTheConnectionByName() async throws {
    let connector = try LiveDatabase.connector(url: LiveDatabase.serverURL()) {
      $0.sessionSettings = ["no_such_setting": "1"]
    }
    let error = await #expect(throws: SQLError.self) { try await connector.connect(deadline: LiveDatabase.soon()) }
    #expect(error?.message.contains("no_such_setting") == true)
    #expect(error?.sqlState == "42704")
  }

  @Test func aSettingIsDataAndNotSQL() async throws {
    let connector = try LiveDatabase.connector(url: LiveDatabase.serverURL()) {
      $0.sessionSettings = ["application_name": "it's \"quoted\"; DROP TABLE x"]
    }
    let connection = try await connector.connect(deadline: LiveDatabase.soon())
    defer { connection.close() }
    let name: String = try await connection.execute("SHOW application_name", deadline: LiveDatabase.soon())
      .rows[0].decode("application_name")
    #expect(name == "it's \"quoted\"; DROP TABLE x")
  }
}
