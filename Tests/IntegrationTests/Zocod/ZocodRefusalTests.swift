import Testing

/// How the executable ends when it cannot do what it was told.
@Suite("zocod says what is wrong", .timeLimit(.minutes(2)))
struct ZocodRefusalTests {
  private static let secret = "geheim"
  private static let url = "postgresql://zoco:\(secret)@127.0.0.1:1/inventory"

  @Test(arguments: [
    (["DATABASE_URL": ""], "DATABASE_URL"),
    (["DATABASE_URL": "mysql://zoco:\(secret)@localhost/inventory"], "DATABASE_URL"),
    (["DATABASE_URL": "postgresql://zoco:\(secret)@localhost:port/inventory"], "DATABASE_URL"),
    (["DATABASE_URL": "postgresql://zoco:\(secret)@localhost/inventory?sslmode=perhaps"], "DATABASE_URL"),
    (["DATABASE_URL": "postgresql://zoco:\(secret)@localhost/inventory?connect_timeout=3s"], "DATABASE_URL"),
    (["DATABASE_URL": "", "DATABASE_URL_FILE": "/nothing/here"], "DATABASE_URL_FILE"),
    (["INVENTORY_PORT": "70000"], "INVENTORY_PORT"), (["DATABASE_POOL_SIZE": "0"], "DATABASE_POOL_SIZE"),
    (["RESERVATION_TTL": "forever"], "RESERVATION_TTL"), (["LOG_LEVEL": "loud"], "LOG_LEVEL"),
    (["RABBITMQ_URL": "http://zoco:\(secret)@localhost/"], "RABBITMQ_URL"),
    (["RABBITMQ_URL": "amqp://zoco:\(secret)@localhost:port/"], "RABBITMQ_URL"),
    (["REDIS_URL": "http://:\(secret)@localhost/"], "REDIS_URL"),
    (["REDIS_URL": "redis://:\(secret)@localhost:port/"], "REDIS_URL"),
    (["RABBITMQ_URL_FILE": "/nothing/here"], "RABBITMQ_URL_FILE"),
  ])
  func aWrongSettingIs78AndNamed(settings: [String: String], variable: String) async throws {
    for command in [["inventory"], ["migrate", "up"], ["seed"]] {
      let end = try await ZocodProcess.run(command, settings: ["DATABASE_URL": Self.url].merging(settings) { $1 })
      #expect(end.status == 78, "\(command): \(end.log)")
      #expect(end.log.contains("  \(variable): "), "\(command): \(end.log)")
      #expect(!end.mentions(Self.secret), "\(command): \(end.log)")
    }
  }

  @Test func everyWrongSettingIsNamedAtOnce() async throws {
    let end = try await ZocodProcess.run(["inventory"], settings: ["INVENTORY_PORT": "x", "CONNECT_TIMEOUT": "0"])
    #expect(end.status == 78)
    #expect(["INVENTORY_PORT", "CONNECT_TIMEOUT", "DATABASE_URL"].allSatisfy { end.log.contains("  \($0): ") })
  }

  @Test(arguments: [["inventory"], ["migrate", "up"], ["migrate", "down"], ["migrate", "status"], ["seed"]])
  func anUnreachableDatabaseIs69(command: [String]) async throws {
    let address = try LiveDatabase.address()
    // Nobody listens there; somebody does, but not to this password.
    for host in ["127.0.0.1:1", "\(address.host):\(address.port)"] {
      let end = try await ZocodProcess.run(
        command,
        settings: ["DATABASE_URL": "postgresql://zoco:\(Self.secret)@\(host)/inventory", "LOG_LEVEL": "trace"])
      #expect(end.status == 69, "\(command) at \(host): \(end.log)")
      #expect(end.log.contains("zocod: ") && end.output.isEmpty, "\(command) at \(host): \(end.log)")
      #expect(!end.mentions(Self.secret), "\(command) at \(host): \(end.log)")
    }
  }

  @Test(arguments: [
    ["invoices"], ["--port", "8080"], ["inventory", "--port", "8080"], ["inventory", "now"], ["migrate", "sideways"],
    ["migrate", "down", "--count", "0"], ["migrate", "down", "--count", "all"], ["seed", "--products", "0"],
    ["seed", "--quantity", "-1"], ["sync", "--quantity", "-1"], ["sync", "--quantity", "many"],
  ])
  func wrongUseIs64(arguments: [String]) async throws {
    let end = try await ZocodProcess.run(arguments, settings: ["DATABASE_URL": Self.url])
    #expect(end.status == 64, "\(arguments): \(end.log)")
    #expect(end.log.contains("Usage: zocod"), "\(arguments): \(end.log)")
    #expect(!end.mentions(Self.secret))
  }
}
