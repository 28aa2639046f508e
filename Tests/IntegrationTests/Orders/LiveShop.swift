import FoundationEssentials
import HTTPLive
import Inventory
import InventoryAPI
import Orders
import Payments
import Postgres
import RabbitMQ
import Seams
import SeamsLive
import ServiceKit
import Synchronization
import Testing

/// Orders, inventory and payments over live servers, as they are in production: HTTP over loopback, a database each, one
/// broker, and a log of every event that was published.
struct LiveShop: Sendable {
  /// What it is made of.
  struct Shape: Sendable {
    /// Instances of orders, and of inventory.
    var instances = 1
    /// The products, and units of each.
    var products = 2
    var quantity = 1_000
    /// The way to the broker; `nil`: straight.
    var broker: (any BrokerConnector)?
    /// The way to the inventory's cache; `nil`: none.
    var cache: (any CacheConnector)?
    /// How orders call the others.
    var calls = LiveShop.quickCalls
    var times = LiveShop.quickTimes
    var inbox = InboxConsumer.Options()
  }

  /// Gives up soon, so that a test of failures does not take long.
  static let quickCalls = ServicePeer.Options(
    attemptTimeout: .milliseconds(500),
    retries: RetryPolicy(attempts: 3, baseBackOff: .milliseconds(50), maximumBackOff: .milliseconds(100), jitter: 0.2),
    breaker: CircuitBreaker.Options(window: .seconds(2), openTime: .milliseconds(300), probes: 1))

  static var quickTimes: SagaTimes {
    var times = SagaTimes()
    times.firstRest = .milliseconds(100)
    times.longestRest = .milliseconds(400)
    return times
  }

  static let secret = Secret("a secret of the shop")

  let shape: Shape
  let stock: LiveDatabase
  let orders: LiveDatabase
  let products: [UUID]
  /// Before the handler of each instance of the inventory.
  let faults: [FaultyHandler]
  let inventoryServers: [SwitchableServer]
  let transport: LiveHTTPTransport
  let payments: HTTPPaymentProvider
  let log: EventLog
  let notifications = NotificationLog()
  private let ordersServers: [SwitchableServer]
  private let otherServers: [SwitchableServer]
  private let stockServices: [InventoryService]
  private let ordersServices: [OrdersService]

  /// Runs `body` in a shop, judges what is left once everything has come to rest, and shuts the services down.
  static func run(_ shape: Shape = Shape(), _ body: @escaping @Sendable (LiveShop) async throws -> Void) async throws {
    try await LiveDatabase.with { stock in
      try await LiveDatabase.with { orders in
        try await stock.migrate()
        try await Migrator(
          migrations: OrdersMigrations.load(), connector: orders.connector, environment: .live
        ).up(deadline: LiveDatabase.soon())
        let log = try await EventLog.open()
        let shop = try await LiveShop(shape, stock, orders, log)
        let outcome: Result<Void, any Error>
        do {
          outcome = .success(try await shop.serve(body))
        } catch {
          outcome = .failure(error)
        }
        for server in shop.servers { await server.stop() }
        try await shop.transport.shutdown()
        try await log.close()
        try outcome.get()
      }
    }
  }

  private init(_ shape: Shape, _ stock: LiveDatabase, _ orders: LiveDatabase, _ log: EventLog) async throws {
    (self.shape, self.stock, self.orders, self.log) = (shape, stock, orders, log)
    let transport = LiveHTTPTransport(clock: stock.clock)
    let broker: any BrokerConnector = try shape.broker ?? LiveBroker().connector
    func peer(_ name: String, _ server: SwitchableServer) -> ServicePeer {
      ServicePeer(
        name: name, address: ServiceAddress(authority: server.authority), transport: transport, environment: .live,
        tokens: SharedSecretTokens(secret: Self.secret), options: shape.calls)
    }
    let stockServices = (0..<shape.instances).map { _ in
      InventoryService(
        environment: .live, connector: stock.connector, broker: broker, cache: shape.cache,
        configuration: InventoryConfiguration(expiryInterval: .seconds(1)))
    }
    let faults = stockServices.map { FaultyHandler($0.handler) }
    let inventoryServers = faults.map { SwitchableServer(handler: $0) }
    let paymentsServer = SwitchableServer(handler: PaymentsSandbox(environment: .live).handler)
    let receiver = SwitchableServer(handler: notifications)
    for server in inventoryServers + [paymentsServer, receiver] { try await server.start() }
    let payments = HTTPPaymentProvider(peer: peer(HTTPPaymentProvider.serviceName, paymentsServer))
    let ordersServices = inventoryServers.map { server in
      OrdersService(
        environment: .live, connector: orders.connector,
        inventory: HTTPInventoryClient(peer: peer(HTTPInventoryClient.serviceName, server)), payments: payments,
        broker: broker,
        webhook: WebhookURL("http://\(receiver.authority)/customers").map {
          NotificationWebhook(url: $0, secret: Self.secret, transport: transport)
        },
        configuration: OrdersConfiguration(secret: Self.secret, times: shape.times, inbox: shape.inbox))
    }
    let ordersServers = ordersServices.map { SwitchableServer(handler: $0.handler) }
    for server in ordersServers { try await server.start() }
    (self.transport, self.faults, self.inventoryServers, self.payments) = (
      transport, faults, inventoryServers, payments
    )
    (self.stockServices, self.ordersServices) = (stockServices, ordersServices)
    (self.ordersServers, otherServers) = (ordersServers, [paymentsServer, receiver])
    products = (1...shape.products).map(SeedProducts.id)
    let deadline = LiveDatabase.soon()
    let stocked = InventorySeeder(
      database: stockServices[0].database, count: shape.products, quantity: shape.quantity)
    _ = try await stocked.seed(deadline: deadline)
    _ = try await OrdersSeeder(database: ordersServices[0].database, count: shape.products).seed(deadline: deadline)
  }

  private var servers: [SwitchableServer] { ordersServers + inventoryServers + otherServers }

  private func serve(_ body: @escaping @Sendable (LiveShop) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in stockServices { group.addTask { try await service.run() } }
      for service in ordersServices { group.addTask { try await service.run() } }
      try await body(self)
      try await audit()
      for service in ordersServices { #expect(await service.shutdown(deadline: LiveDatabase.soon()) == 0) }
      for service in stockServices { #expect(await service.shutdown(deadline: LiveDatabase.soon()) == 0) }
      try await group.waitForAll()
    }
  }

  /// A customer of one of the orders' instances.
  func customer(_ name: String = "customer", at instance: Int = 0) -> LiveCustomer {
    let server = ordersServers[instance % ordersServers.count]
    return LiveCustomer(
      client: LiveClient(transport: transport, authority: server.authority), userId: name, secret: Self.secret)
  }

  /// Lets `count` customers act at the same time, spread over the instances.
  ///
  /// - Returns: what each came to, in the order of their numbers, which begin at 0.
  func atOnce<Value: Sendable>(
    _ count: Int, as name: String? = nil, _ act: @escaping @Sendable (LiveCustomer, Int) async throws -> Value
  ) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
      for number in 0..<count {
        let customer = customer(name ?? "customer-\(number)", at: number)
        group.addTask { (number, try await act(customer, number)) }
      }
      var values: [(Int, Value)] = []
      for try await value in group { values.append(value) }
      return values.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// Waits until orders hear the inventory, whose news of an order must have been published: before their queue is bound,
  /// what is published is lost.
  func untilNewsIsHeard() async throws {
    try await until("an event of the inventory in the inbox") {
      try await orders.count("SELECT count(*) FROM inbox") > 0
    }
  }

  /// Waits until `condition` holds.
  func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = LiveDatabase.soon()
    while try await !condition() {
      guard stock.clock.now < deadline else { throw ConformanceFailure("it does not come to this: \(what)") }
      try await stock.clock.sleep(for: .milliseconds(20))
    }
  }
}
