internal import Checkers
internal import FoundationEssentials
internal import Inventory
internal import InventoryAPI
internal import Logging
internal import Orders
internal import Payments
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
internal import SimulatedPostgres
internal import SimulatedRabbitMQ
internal import SimulatedRedis
internal import SimulationKernel

/// What the hosts of a checkout world run: the services as they are in production, with the planted bug between them.
extension CheckoutWorld {
  func serveOrders(_ process: SimulatedProcess) async throws {
    let environment = Self.environment(process)
    let instance = kernel.stream("peer of \(process)").pick(inventory)
    let transport = transport(of: process)
    func peer(_ name: String, _ authority: String) -> ServicePeer {
      var options = ServicePeer.Options()
      if bug?.calls.contains(.breakerStaysOpen) == true { options.breaker.openTime = .seconds(86_400) }
      return ServicePeer(
        name: name, address: ServiceAddress(authority: authority), transport: transport, environment: environment,
        tokens: SharedSecretTokens(secret: Secret("a secret of the simulator")), options: options)
    }
    var stock: any InventoryAPI.InventoryClient = HTTPInventoryClient(
      peer: peer(HTTPInventoryClient.serviceName, "\(instance.name):8080"))
    var money: any PaymentProvider = HTTPPaymentProvider(
      peer: peer(HTTPPaymentProvider.serviceName, "payments:8090"))
    if let bug, !bug.calls.isEmpty {
      stock = SabotagedInventoryClient(base: stock, sabotage: bug.calls, count: sabotage)
      money = SabotagedPaymentProvider(
        base: money, sabotage: bug.calls, entropy: kernel.stream("sabotage \(process)"), count: sabotage)
    }
    var broker: any BrokerConnector = self.broker.server.connector(for: process)
    if let bug, !bug.broker.isEmpty {
      broker = SabotagedBrokerConnector(broker, sabotage: bug.broker, count: sabotage)
    }
    var configuration = OrdersConfiguration()
    (configuration.times.step, configuration.times.lease) = (shape.step, shape.step * 2)
    let service = OrdersService(
      environment: environment, connector: sabotaged(ordersDatabase.server.connector(for: process)), inventory: stock,
      payments: money, broker: broker,
      webhook: WebhookURL("http://shop:9000/orders").map {
        NotificationWebhook(url: $0, secret: NotificationReceiver.secret, transport: transport)
      }, configuration: configuration)
    world.network.listen(process, port: 3001, handler: sabotaged(service.handler, process, keys: false))
    try await serve(process) { try await service.run() }
  }

  func serveInventory(_ process: SimulatedProcess) async throws {
    var broker: any BrokerConnector = self.broker.server.connector(for: process)
    if let bug, !bug.broker.isEmpty {
      broker = SabotagedBrokerConnector(broker, sabotage: bug.broker, count: sabotage)
    }
    let service = InventoryService(
      environment: Self.environment(process), connector: stockConnector(process), broker: broker,
      cache: cache.server.connector(for: process),
      configuration: InventoryConfiguration(
        reservationTimeToLiveSeconds: shape.reservationLife, expiryInterval: .seconds(1)))
    world.network.listen(process, port: 8080, handler: sabotaged(service.handler, process, keys: false))
    try await serve(process) { try await service.run() }
  }

  func servePayments(_ process: SimulatedProcess) {
    let sandbox = PaymentsSandbox(environment: Self.environment(process), store: paid)
    world.network.listen(process, port: 8090, handler: sabotaged(sandbox.handler, process, keys: true))
  }

  private func serve(_ process: SimulatedProcess, _ run: () async throws -> Void) async throws {
    do {
      try await run()
    } catch let error where !(error is HostDead || error is CancellationError) {
      world.violate(Invariant.serviceRuns.rawValue, ["\(process) ended: \(error)"])
    }
  }

  private func transport(of process: SimulatedProcess) -> any HTTPTransport {
    let transport = SimulatedHTTPTransport(process: process, network: world.network)
    guard let bug, bug.calls.contains(.refusalsAreFailures) else { return transport }
    return RefusalsAreFailures(base: transport, count: sabotage)
  }

  // MARK: - The planted bug

  private func sabotaged(_ connector: any SQLConnector) -> any SQLConnector {
    guard let bug else { return connector }
    return SabotagedConnector(connector, bug: bug, count: sabotage) { [kernel] error in
      kernel.failHarness("the planted bug \(bug.name) makes a statement that is no SQL: \(error)")
    }
  }

  /// Commits are swallowed at the orders' database alone.
  private func stockConnector(_ process: SimulatedProcess) -> any SQLConnector {
    let connector = stockDatabase.server.connector(for: process)
    return bug?.commits == nil ? sabotaged(connector) : connector
  }

  private func sabotaged(_ handler: any HTTPHandler, _ process: SimulatedProcess, keys: Bool) -> any HTTPHandler {
    guard let bug, keys && bug.requests != nil || !bug.answers.isEmpty else { return handler }
    return SabotagedHandler(base: handler, bug: bug, entropy: kernel.stream("sabotage \(process)"))
  }

  private static func environment(_ process: SimulatedProcess) -> ServiceEnvironment {
    ServiceEnvironment(
      clock: process.clock, wallClock: process.wallClock, entropy: process.entropy,
      logger: Logger(label: "checkout") { _ in SwiftLogNoOpLogHandler() })
  }
}
