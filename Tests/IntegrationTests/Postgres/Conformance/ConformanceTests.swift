import Postgres
import Seams
import Testing

extension Behaviour {
  /// All of what both engines must do alike.
  static let all = values + errors + transactions + concurrency
}

@Suite("Live PostgreSQL behaves as the SQL seam says")
struct LiveConformanceTests {
  @Test(arguments: Behaviour.all)
  func behaves(_ behaviour: Behaviour) async throws {
    try await LiveDatabase.with { database in
      let bench = Bench(engine: "PostgreSQL", connector: database.connector, clock: database.clock) { connection in
        guard let connection = connection as? PostgresConnection else {
          throw ConformanceFailure("not a connection of the live driver")
        }
        try await database.terminate(connection.backendPID)
      }
      try await behaviour.run(bench)
    }
  }
}

extension LiveDatabase {
  /// Ends a server process and waits until it is gone.
  func terminate(_ pid: Int32) async throws {
    let admin = try await connector.connect(deadline: LiveDatabase.soon())
    defer { admin.close() }
    // Answers once the process has gone, or after 10 s (manual, 9.27.2).
    let result = try await admin.execute(
      "SELECT pg_terminate_backend(\(Int(pid))::int, 10000) AS gone", deadline: LiveDatabase.soon())
    try expectEqual(result.rows[0].values, [.bool(true)])
  }
}
