import FoundationEssentials
import HTTPLive
import Inventory
import Logging
import Seams
import SeamsLive
import ServiceKit
import Testing

/// Instances of the inventory service over one live database, each behind a socket of its own.
struct LiveInventory: Sendable {
  /// A client of each instance.
  let clients: [LiveClient]
  /// Where each instance listens.
  let addresses: [LiveHTTPServerAddress]
  private let services: [InventoryService]

  /// Migrates `database`, runs `body` beside instances of the service, and shuts them down as their process would.
  ///
  /// The instances expire nothing by themselves: a test asks them to. At the end the rows must add up.
  ///
  /// - Parameters:
  ///   - connector: what lies between the service and the database, where it is not the driver alone.
  ///   - cache: the way to its cache; it has none by default.
  static func run(
    on database: LiveDatabase, instances: Int = 1, through connector: (any SQLConnector)? = nil,
    cache: (any CacheConnector)? = nil,
    _ body: @escaping @Sendable (LiveInventory) async throws -> Void
  ) async throws {
    try await database.migrate()
    let configuration = InventoryConfiguration(expiryInterval: .seconds(86_400))
    let services = (0..<instances).map { _ in
      InventoryService(
        environment: .live, connector: connector ?? database.connector, cache: cache, configuration: configuration)
    }
    let transport = LiveHTTPTransport(clock: database.clock)
    let outcome: Result<Void, any Error>
    do {
      try await run(services, transport, body)
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await transport.shutdown()
    try outcome.get()
    #expect(try await database.discrepancies() == [])
  }

  private static func run(
    _ services: [InventoryService], _ transport: LiveHTTPTransport,
    _ body: @escaping @Sendable (LiveInventory) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { try await service.run() } }
      try await serve(services[...]) { addresses in
        let clients = addresses.map { LiveClient(transport: transport, authority: "\($0)") }
        try await body(LiveInventory(clients: clients, addresses: addresses, services: services))
      }
      for service in services {
        let left = await service.shutdown(deadline: LiveDatabase.soon())
        #expect(left == 0)
      }
      try await group.waitForAll()
    }
  }

  private static func serve(
    _ services: ArraySlice<InventoryService>, _ addresses: [LiveHTTPServerAddress] = [],
    _ body: @escaping @Sendable ([LiveHTTPServerAddress]) async throws -> Void
  ) async throws {
    guard let service = services.first else { return try await body(addresses) }
    try await LiveHTTPServer(handler: service.handler, logger: .silent).withRunningServer { address in
      try await serve(services.dropFirst(), addresses + [address], body)
    }
  }

  /// Creates products with `quantity` units each.
  ///
  /// - Returns: their ids, in their order.
  func seed(products: Int, quantity: Int) async throws -> [UUID] {
    let seeder = InventorySeeder(database: services[0].database, count: products, quantity: quantity)
    #expect(try await seeder.seed(deadline: LiveDatabase.soon()).created == products)
    return (1...products).map(InventorySeeder.productId)
  }

  /// Lets `count` callers act at the same time, spread over the instances.
  ///
  /// - Returns: what each came to, in the order of their numbers, which begin at 0.
  func atOnce<Value: Sendable>(
    _ count: Int, _ act: @escaping @Sendable (LiveClient, Int) async throws -> Value
  ) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      for number in 0..<count {
        let client = clients[number % clients.count]
        group.addTask { (number, try await act(client, number)) }
      }
      var values: [(Int, Value)] = []
      for try await value in group { values.append(value) }
      return values.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }
}

extension ServiceEnvironment {
  /// The live sides of the seams, and a log that nobody reads.
  static var live: ServiceEnvironment {
    ServiceEnvironment(
      clock: SystemMonotonicClock(), wallClock: SystemWallClock(), entropy: SystemEntropy(), logger: .silent)
  }
}
