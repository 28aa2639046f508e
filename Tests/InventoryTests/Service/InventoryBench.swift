import FoundationEssentials
import HTTPTypes
import Inventory
import Logging
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulatedRedis
import SimulationKernel
import Testing

/// The service over a simulated PostgreSQL whose migrations have run.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class InventoryBench: @unchecked Sendable {
  let kernel: SimulationKernel
  private let network: Network
  let server: SimulatedPostgresServer

  init(seed: UInt64 = 1) throws {
    kernel = SimulationKernel(seed: seed)
    network = Network(kernel: kernel)
    server = SimulatedPostgresServer(host: kernel.host("postgres"), network: network)
    for migration in try InventoryMigrations.load().migrations { try server.setUp(migration.up) }
  }

  /// A Redis for the cache.
  func redis() -> SimulatedRedisServer {
    SimulatedRedisServer(host: kernel.host("redis"), network: network, scripts: CacheScripts.all)
  }

  /// Runs `body` beside instances of the service, which publish where there is a broker, and shuts these down when it returns.
  func run(
    instances: Int = 1, broker: SimulatedRabbitMQServer? = nil, cache: SimulatedRedisServer? = nil,
    configuration: InventoryConfiguration = InventoryConfiguration(expiryInterval: .seconds(86_400)),
    _ body: @escaping @Sendable ([InventoryClient]) async throws -> Void
  ) {
    let outcome = kernel.run { process in
      let services = (0..<instances).map { _ in
        InventoryService(
          environment: process.serviceEnvironment, connector: self.server.connector(for: process),
          broker: broker?.connector(for: process), cache: cache?.connector(for: process),
          configuration: configuration)
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for service in services { group.addTask { try await service.run() } }
        try await body(services.map { InventoryClient(service: $0, process: process) })
        for service in services {
          let left = await service.shutdown(deadline: process.clock.now.advanced(by: .seconds(30)))
          check(left == 0)
        }
        try await group.waitForAll()
      }
    }
    #expect(outcome == .finished)
    expectConserved()
  }

  /// Checks rule 1 on the rows: nothing is oversold, reserved is what pending reservations hold, the ledger adds up.
  func expectConserved(sourceLocation: SourceLocation = #_sourceLocation) {
    var reserved: [SQLValue: Int] = [:]
    var pending: Set<SQLValue> = []
    for row in server.committedRows(of: "reservations") where row["status"] == .text("pending") {
      pending.insert(row["id"])
    }
    for row in server.committedRows(of: "reservation_items") where pending.contains(row["reservation_id"]) {
      reserved[row["product_id"], default: 0] += row.int("quantity")
    }
    var ledger: [SQLValue: Int] = [:]
    for row in server.committedRows(of: "stock_movements") {
      ledger[row["product_id"], default: 0] += row.int("delta")
    }
    for row in server.committedRows(of: "inventory_items") {
      let product = row["product_id"]
      check(row.int("reserved") == reserved[product] ?? 0, sourceLocation: sourceLocation)
      check(row.int("quantity") == ledger[product] ?? 0, sourceLocation: sourceLocation)
      check((0...row.int("quantity")).contains(row.int("reserved")), sourceLocation: sourceLocation)
    }
  }

  /// The types of the events in the outbox, in their order, with each subject's sequence checked.
  func eventTypes(sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
    var last: [SQLValue: Int] = [:]
    return server.committedRows(of: "outbox").sorted { $0.int("position") < $1.int("position") }.map { row in
      let sequence = row.int("sequence")
      check(sequence > last[row["subject"]] ?? 0, sourceLocation: sourceLocation)
      last[row["subject"]] = sequence
      return row.text("type")
    }
  }
}

/// One client of one instance.
struct InventoryClient: Sendable {
  let service: InventoryService
  let process: SimulatedProcess

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String = "", headers: HTTPFields = [:]
  ) async throws -> Answer {
    try await Answer(
      await service.handler.handle(
        .make(method, path, body, headers: headers), from: HTTPPeer(address: "test")))
  }

  func put(_ number: Int, quantity: Int, version: Int = 0) async throws -> Answer {
    try await send(
      .put, "/inventory/\(product(number).canonicalText)", "{\"quantity\": \(quantity), \"version\": \(version)}")
  }

  func stock(_ number: Int) async throws -> Answer {
    try await send(.get, "/inventory/\(product(number).canonicalText)")
  }

  func reserve(_ orderNumber: Int, _ lines: [ReservationLine], ttl: Int? = nil) async throws -> Answer {
    let items = lines.map { "{\"productId\": \"\($0.productId.canonicalText)\", \"quantity\": \($0.quantity)}" }
    let ttl = ttl.map { ", \"ttlSeconds\": \($0)" } ?? ""
    return try await send(
      .post, "/inventory/reserve",
      "{\"orderId\": \"\(order(orderNumber).canonicalText)\", \"items\": [\(items.joined(separator: ","))]\(ttl)}")
  }

  func confirm(_ reservation: String) async throws -> Answer {
    try await send(.post, "/inventory/confirm/\(reservation)")
  }

  func release(_ reservation: String, reason: String = "cancelled") async throws -> Answer {
    try await send(.post, "/inventory/release/\(reservation)", "{\"reason\": \"\(reason)\"}")
  }

  func release(order orderNumber: Int, reason: String = "orphan") async throws -> Answer {
    try await send(
      .post, "/inventory/release",
      "{\"orderId\": \"\(order(orderNumber).canonicalText)\", \"reason\": \"\(reason)\"}")
  }

  func replenish(_ number: Int, quantity: Int, key: String) async throws -> Answer {
    try await send(
      .post, "/inventory/\(product(number).canonicalText)/replenish", "{\"quantity\": \(quantity)}",
      headers: [HTTPField.Name("Idempotency-Key")!: key])
  }

  func expire() async throws -> Answer {
    try await send(.post, "/admin/reservations/expire")
  }
}

extension Answer {
  func int(_ name: String) -> Int? {
    guard case .integer(let value) = json[name] else { return nil }
    return Int(value)
  }

  func string(_ name: String) -> String? { json[name]?.string }

  var reservationId: String { string("reservationId") ?? "" }
}

extension SQLRow {
  subscript(column: String) -> SQLValue {
    guard let index = columns.index(of: column) else { preconditionFailure("there is no column \(column)") }
    return values[index]
  }

  func int(_ column: String) -> Int {
    guard case .int(let value) = self[column] else { preconditionFailure("\(column) is no integer") }
    return Int(value)
  }

  func text(_ column: String) -> String {
    guard case .text(let value) = self[column] else { preconditionFailure("\(column) is no text") }
    return value
  }
}
