import CSimulationTraps
import CallFixtures
import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Logging
import NIOCore
import Orders
import Payments
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

func product(_ number: Int) -> UUID { SeedProducts.id(number) }

/// `#expect` for the simulated thread: a failure's record reads the time, which no simulated thread may.
func check(
  _ condition: Bool, _ comment: @autoclosure () -> String = "this does not hold",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard !condition else { return }
  zoco_traps_suspend()
  defer { zoco_traps_resume() }
  Issue.record(Comment(rawValue: comment()), sourceLocation: sourceLocation)
}

/// The orders service over a simulated PostgreSQL, with an inventory and a payment provider that do what a test says.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class OrdersBench: @unchecked Sendable {
  let kernel: SimulationKernel
  let server: SimulatedPostgresServer
  let inventory = ScriptedInventory()
  let payments = ScriptedPayments()
  /// Who gets the notifications; `nil`: the log.
  var receiver: ScriptedReceiver?
  /// Where instances log.
  let log = KeptLog()
  private let network: Network

  init(seed: UInt64 = 1) throws {
    kernel = SimulationKernel(seed: seed)
    network = Network(kernel: kernel)
    server = SimulatedPostgresServer(host: kernel.host("postgres"), network: network)
    for migration in try OrdersMigrations.load().migrations { try server.setUp(migration.up) }
    for number in 1...5 {
      try server.setUp(
        "INSERT INTO products (id, name, price, currency) VALUES ('\(product(number))', 'Product \(number)', \(number * 100), 'EUR')"
      )
    }
  }

  /// An instance on `process`.
  func service(
    _ process: SimulatedProcess, broker: SimulatedRabbitMQServer? = nil,
    _ configuration: OrdersConfiguration = OrdersConfiguration()
  ) -> OrdersService {
    var environment = process.serviceEnvironment
    environment.logger = log.logger
    return OrdersService(
      environment: environment, connector: server.connector(for: process), inventory: inventory, payments: payments,
      broker: broker?.connector(for: process), webhook: receiver?.webhook(of: process), configuration: configuration)
  }

  /// Runs `body` beside instances of the service and shuts these down when it returns.
  func run(
    instances: Int = 1, broker: SimulatedRabbitMQServer? = nil,
    configuration: OrdersConfiguration = OrdersConfiguration(),
    _ body: @escaping @Sendable ([OrdersCaller]) async throws -> Void
  ) {
    let outcome = kernel.run { process in
      let services = (0..<instances).map { _ in self.service(process, broker: broker, configuration) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for service in services { group.addTask { try await service.run() } }
        try await body(services.map { OrdersCaller(service: $0, process: process) })
        for service in services {
          let left = await service.shutdown(deadline: process.clock.now.advanced(by: .seconds(30)))
          check(left == 0)
        }
        try await group.waitForAll()
      }
    }
    #expect(outcome == .finished)
  }

  /// Rows as texts, a column for each name, in any order.
  func rows(_ table: String, _ columns: String...) -> [String] {
    server.committedRows(of: table).map { row in
      columns.map { name in
        guard let index = row.columns.index(of: name) else { preconditionFailure("\(table) has no column \(name)") }
        return switch row.values[index] {
        case .text(let text), .json(let text): text
        case .int(let number): "\(number)"
        case .null: "-"
        case .uuid(let id): id.canonicalText
        case let other: "\(other)"
        }
      }.joined(separator: " ")
    }.sorted()
  }
}

/// One caller of one instance.
struct OrdersCaller: Sendable {
  let service: OrdersService
  let process: SimulatedProcess

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String = "", user: String? = "ada", headers: HTTPFields = [:]
  ) async throws -> Answer {
    var headers = headers
    if let user { headers[HTTPField.Name("X-User-Id")!] = user }
    return try await Answer(
      await service.handler.handle(
        .make(method, path, body, headers: headers), from: HTTPPeer(address: "test")))
  }

  /// Orders units of products by their numbers.
  func order(
    _ lines: [Int: Int] = [1: 2], token: String = "tok_ok", key: String = "key-1", user: String = "ada"
  ) async throws -> Answer {
    let items = lines.sorted { $0.key < $1.key }.map {
      "{\"productId\": \"\(product($0.key).canonicalText)\", \"quantity\": \($0.value)}"
    }
    return try await send(
      .post, "/orders", "{\"items\": [\(items.joined(separator: ","))], \"paymentToken\": \"\(token)\"}", user: user,
      headers: [HTTPField.Name("Idempotency-Key")!: key])
  }

  /// The order once it is over, or after half a minute.
  func settled(_ id: String, user: String = "ada") async throws -> Answer {
    try await send(.get, "/orders/\(id)?wait=30", user: user)
  }

  func pause(_ time: Duration) async throws {
    try await process.clock.sleep(until: process.clock.now.advanced(by: time), tolerance: nil)
  }
}

extension Answer {
  func string(_ name: String) -> String { json[name]?.string ?? "" }

  func int(_ name: String) -> Int? {
    guard case .integer(let value) = json[name] else { return nil }
    return Int(value)
  }

  var orderId: String { string("orderId") }
  var orderStatus: String { string("status") }
  var failureCode: String { json["failure"]?["code"]?.string ?? "" }

  /// The states that the order entered.
  var history: [String] {
    guard case .array(let entries) = json["history"] else { return [] }
    return entries.map { $0["status"]?.string ?? "" }
  }
}
