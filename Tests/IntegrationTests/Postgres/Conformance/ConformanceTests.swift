import Postgres
import Seams
import SimulatedNetwork
import SimulatedPostgres
import SimulationKernel
import Testing

extension Behaviour {
  /// All of what both engines must do alike.
  static let all = values + errors + transactions + sessions + concurrency
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

@Suite("The simulated PostgreSQL behaves as the SQL seam says")
struct SimulatedConformanceTests {
  @Test(arguments: Behaviour.all)
  func behaves(_ behaviour: Behaviour) throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      let kernel = SimulationKernel(seed: seed)
      let server = SimulatedPostgresServer(host: kernel.host("database"), network: Network(kernel: kernel))
      let outcome = kernel.run { process in
        let bench = Bench(
          engine: "simulated", connector: server.connector(for: process), clock: process.clock,
          terminate: { _ in server.killAllConnections() })
        try await behaviour.run(bench)
      }
      kernel.reap()
      #expect(outcome == .finished, "seed \(seed)")
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
