import FoundationEssentials
import Inventory
import Seams
import Testing

/// What an operator does before the service runs, with the executable itself.
@Suite("zocod migrates and seeds", .timeLimit(.minutes(2)))
struct ZocodCommandTests {
  private static let names = [
    "001_create_inventory_items", "002_create_reservations", "003_add_indexes", "004_add_constraints",
    "005_set_events_aside", "006_index_published_events",
  ]

  /// Runs a command that must succeed.
  ///
  /// - Returns: the lines that it printed.
  private func zocod(_ arguments: String..., on database: LiveDatabase) async throws -> [String] {
    let end = try await ZocodProcess.run(arguments, settings: database.zocodSettings)
    #expect(end.status == 0, "\(arguments): \(end.log)")
    // On a terminal the log stands among what is printed: nothing is said twice.
    let told = end.log.contains(#/"level":"(info|notice)".*"(applied|took back) /#)
    #expect(!told, "\(arguments): \(end.log)")
    #expect(try !end.mentions(database.password), "\(arguments) shows the password")
    return end.lines
  }

  /// What `migrate status` says: for each migration whether it is applied.
  private func applied(on database: LiveDatabase) async throws -> [Bool] {
    let lines = try await zocod("migrate", "status", on: database)
    #expect(lines.map { $0.prefix { $0 != " " } } == Self.names.map { $0[...] })
    return lines.map { line in
      #expect(line.contains("applied 20") != line.hasSuffix("missing"), "\(line)")
      return !line.hasSuffix("missing")
    }
  }

  @Test func migrationsGoUpAndDownAndSayWhereTheyStand() async throws {
    try await LiveDatabase.with { database in
      let none = Array(repeating: false, count: Self.names.count)
      let all = Array(repeating: true, count: Self.names.count)
      let rest = Self.names.dropLast().reversed().map { "took back \($0)" }
      #expect(try await applied(on: database) == none)
      #expect(try await zocod("migrate", "up", on: database) == Self.names.map { "applied \($0)" })
      #expect(try await zocod("migrate", "up", on: database) == ["nothing to do: every migration is applied"])
      #expect(try await applied(on: database) == all)
      #expect(try await zocod("migrate", "down", on: database) == ["took back 006_index_published_events"])
      #expect(try await applied(on: database) == all.dropLast() + [false])
      let down = try await zocod("migrate", "down", "--count", "9", on: database)
      #expect(down == rest)
      #expect(try await zocod("migrate", "down", on: database) == ["nothing to do: no migration is applied"])
      #expect(try await zocod("migrate", "up", on: database).count == Self.names.count)
    }
  }

  @Test func twoThatMigrateAtOnceApplyEachMigrationOnce() async throws {
    try await LiveDatabase.with { database in
      async let first = zocod("migrate", "up", on: database)
      async let second = zocod("migrate", "up", on: database)
      let lines = try await first + second
      #expect(lines.filter { $0.hasPrefix("applied") }.sorted() == Self.names.map { "applied \($0)" })
      #expect(try await applied(on: database).allSatisfy { $0 })
    }
  }

  @Test func seedingTwiceLeavesAHundredProductsWithTheSameIds() async throws {
    try await LiveDatabase.with { database in
      _ = try await zocod("migrate", "up", on: database)
      #expect(try await zocod("seed", on: database) == ["created 100 products, 0 were there"])
      let all: SQLStatement = "SELECT product_id, quantity, version FROM inventory_items ORDER BY product_id"
      let seeded = try await database.rows(all).map(\.values)
      #expect(seeded == (1...100).map { [.uuid(InventorySeeder.productId($0)), .int(1000), .int(1)] })

      try await database.rows("UPDATE inventory_items SET version = 7")
      let changed = try await database.rows(all).map(\.values)
      #expect(try await zocod("seed", on: database) == ["created 0 products, 100 were there"])
      #expect(try await database.rows(all).map(\.values) == changed)
      #expect(try await zocod("seed", "--products", "102", on: database) == ["created 2 products, 100 were there"])
      #expect(try await database.discrepancies() == [])
    }
  }

  @Test(arguments: [["seed"], ["inventory"]])
  func aDatabaseWithoutMigrationsIsRefusedWithTheCommandThatHelps(arguments: [String]) async throws {
    try await LiveDatabase.with { database in
      let end = try await ZocodProcess.run(arguments, settings: database.zocodSettings)
      #expect(end.status == 78)
      #expect(Self.names.allSatisfy(end.log.contains), "\(end.log)")
      #expect(end.log.contains("zocod migrate up"), "\(end.log)")
    }
  }
}

extension LiveDatabase {
  /// The environment with which `zocod` works on this database: talkative, and listening where it can.
  var zocodSettings: [String: String] {
    get throws {
      [
        "DATABASE_URL": try LiveDatabase.url(database: name, options: "sslmode=disable"), "LOG_LEVEL": "trace",
        "INVENTORY_HOST": "127.0.0.1", "INVENTORY_PORT": "0", "EXPIRY_INTERVAL": "3600000",
      ]
    }
  }

  /// What must appear in no output.
  var password: String {
    get throws {
      let url = try LiveDatabase.url(database: name)
      guard let secret = url.firstMatch(of: /:\/\/[^:]+:([^@]+)@/)?.output.1 else {
        throw ConformanceFailure("the server's URL holds no password")
      }
      return String(secret)
    }
  }
}

extension ZocodProcess.End {
  func mentions(_ text: String) -> Bool { output.contains(text) || log.contains(text) }
}
