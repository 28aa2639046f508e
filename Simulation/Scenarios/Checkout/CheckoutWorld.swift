internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import HTTPTypes
internal import Inventory
internal import InventoryAPI
internal import Logging
internal import NIOCore
internal import Orders
internal import Payments
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
internal import SimulatedPostgres
internal import SimulationKernel

/// Orders, inventory and the payment provider in the simulator, each on hosts of its own, with clients that order.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class CheckoutWorld: @unchecked Sendable {
  /// How big the world is and what goes wrong in it.
  struct Shape {
    /// Units on hand at the start, for each product.
    var stock: [Int]
    var faults: FaultPlan
    /// How long faults last at most, in virtual time.
    var safety: Duration = .seconds(20)
  }

  /// Virtual time within which every order must have come to its end after every fault has healed.
  static let restBound: Duration = .seconds(300)

  let world: World
  let products: [UUID]
  /// What clients were promised.
  private(set) var promises: [AcceptedOrdersAreStored.Promise] = []
  private let shape: Shape
  private let orders: [SimulatedHost]
  private let inventory: [SimulatedHost]
  private let payments: SimulatedHost
  private let clientHosts: [SimulatedHost]
  private let ordersDatabase: DatabaseHost
  private let stockDatabase: DatabaseHost
  private let injector: FaultInjector
  private let bug: PlantedBug?
  private var sabotage: [SabotagedConnector] = []
  /// The payment provider's disk.
  private let paid = InMemoryPaymentStore()

  var kernel: SimulationKernel { world.kernel }
  var hasHealed: Bool { injector.hasHealed }

  init(_ world: World, _ shape: Shape) {
    self.world = world
    self.shape = shape
    bug = world.settings.plantedBug.map { name in
      guard let bug = PlantedBugCatalogue.bug(named: name) else {
        preconditionFailure("there is no planted bug \(name)")
      }
      return bug
    }
    let kernel = world.kernel
    world.note(drawn: shape.faults.summary)
    orders = (1...2).map { kernel.host("orders-\($0)") }
    inventory = (1...2).map { kernel.host("inventory-\($0)") }
    payments = kernel.host("payments")
    clientHosts = (1...3).map { kernel.host("client-\($0)") }
    let ids = kernel.stream("products")
    products = shape.stock.map { _ in ids.uuid() }
    ordersDatabase = .orders(world, products: products)
    stockDatabase = .inventory(world, name: "postgres-inventory", stock: Array(zip(products, shape.stock)))
    injector = FaultInjector(
      kernel: kernel, network: world.network,
      targets: FaultInjector.Targets(
        services: orders + inventory + [payments], clients: clientHosts, databaseHost: ordersDatabase.host,
        database: ordersDatabase))
  }

  /// Lets `count` clients act under the shape's faults, heals everything, and judges what is left once every order has come
  /// to its end.
  func play(
    clients count: Int, _ act: @escaping @Sendable (CheckoutClient) async throws -> Void
  ) -> RunOutcome {
    do {
      try ordersDatabase.prepare()
      try stockDatabase.prepare()
    } catch {
      return .harnessFailure("a database could not be prepared: \(error)")
    }
    for host in clientHosts { host.boot { _ in } }
    payments.boot { [self] in servePayments($0) }
    for host in inventory { host.boot { [self] in try await serveInventory($0) } }
    for host in orders { host.boot { [self] in try await serveOrders($0) } }
    let outcome = kernel.run(stuckAfter: .seconds(600), limit: .seconds(7_200)) { [self] driver in
      kernel.schedule(after: shape.safety) { [self] in heal() }
      injector.start(shape.faults)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 1...count {
          guard let process = clientHosts[number % clientHosts.count].process else { continue }
          let client = CheckoutClient("client \(number)", on: process, in: self)
          group.addTask { try await act(client) }
        }
        try await group.waitForAll()
      }
      heal()
      try await waitForTheEnd(driver)
      judgeAtRest()
    }
    world.faults = injector.happened.map { RunReport.FaultCount($0.kind.name, $0.count) }
    if bug != nil {
      world.figures.append(.init("statements sabotaged", Double(sabotage.reduce(0) { $0 + $1.changes })))
    }
    return outcome
  }

  func promise(_ key: String, _ orderId: UUID) { promises.append(.init(key: key, orderId: orderId)) }

  /// One of the orders' instances, as clients address it.
  func instance(_ stream: RandomStream) -> String { "\(stream.pick(orders).name):3001" }

  private func heal() {
    if !injector.hasHealed { injector.heal() }
  }

  // MARK: - The end

  private func waitForTheEnd(_ driver: SimulatedProcess) async throws {
    let start = kernel.now
    while true {
      let open = ordersDatabase.server.committedRows(of: "orders").filter { $0["saga_state"] != .text("done") }
      if open.isEmpty { return }
      if start.duration(to: kernel.now) > Self.restBound {
        kernel.end(
          .notConverged(
            ["\(open.count) orders are not over \(Self.restBound.components.seconds) s after healing"]
              + open.prefix(5).map { "\($0["id"]), \($0["status"]), \($0["saga_state"]) \($0["saga_step"])" }))
        return
      }
      try await driver.clock.sleep(until: driver.clock.now.advanced(by: .milliseconds(500)), tolerance: nil)
    }
  }

  private func judgeAtRest() {
    var reservations: [SQLValue: String] = [:]
    for row in stockDatabase.server.committedRows(of: "reservations") {
      if case .text(let status) = row["status"] { reservations[row["order_id"]] = status }
    }
    var cases: [MoneyAndStockAgree.Case] = []
    for row in ordersDatabase.server.committedRows(of: "orders") {
      guard case .uuid(let id) = row["id"], case .text(let status) = row["status"] else { continue }
      let payments = paid.payments(orderId: id).map(\.status.rawValue)
      cases.append(.init(orderId: id, status: status, reservation: reservations[row["id"]], payments: payments))
    }
    let stored = Set(cases.map(\.orderId))
    let violation =
      MoneyAndStockAgree().judgeAtRest(cases) ?? AcceptedOrdersAreStored().judgeAtRest(promises, stored: stored)
    if let violation { return world.violate(violation.invariant.rawValue, violation.evidence) }
    world.figures.append(.init("orders confirmed", Double(cases.count { $0.status == "CONFIRMED" })))
    world.figures.append(.init("orders that came to nothing", Double(cases.count { $0.status != "CONFIRMED" })))
  }

  // MARK: - The services

  private func serveOrders(_ process: SimulatedProcess) async throws {
    let environment = Self.environment(process)
    let transport = SimulatedHTTPTransport(process: process, network: world.network)
    func peer(_ name: String, _ authority: String) -> ServicePeer {
      ServicePeer(
        name: name, address: ServiceAddress(authority: authority), transport: transport, environment: environment,
        tokens: SharedSecretTokens(secret: Secret("a secret of the simulator")))
    }
    var connector: any SQLConnector = ordersDatabase.server.connector(for: process)
    if let bug {
      let sabotaged = SabotagedConnector(connector, bug: bug) { [kernel] error in
        kernel.failHarness("the planted bug \(bug.name) makes a statement that is no SQL: \(error)")
      }
      sabotage.append(sabotaged)
      connector = sabotaged
    }
    let service = OrdersService(
      environment: environment, connector: connector,
      inventory: HTTPInventoryClient(
        peer: peer(HTTPInventoryClient.serviceName, "\(kernel.stream("peer of \(process)").pick(inventory).name):8080")),
      payments: HTTPPaymentProvider(peer: peer(HTTPPaymentProvider.serviceName, "payments:8090")))
    world.network.listen(process, port: 3001, handler: service.handler)
    try await service.run()
  }

  private func serveInventory(_ process: SimulatedProcess) async throws {
    let service = InventoryService(
      environment: Self.environment(process), connector: stockDatabase.server.connector(for: process),
      configuration: InventoryConfiguration(expiryInterval: .seconds(1)))
    world.network.listen(process, port: 8080, handler: service.handler)
    try await service.run()
  }

  private func servePayments(_ process: SimulatedProcess) {
    let sandbox = PaymentsSandbox(environment: Self.environment(process), store: paid)
    var handler = sandbox.handler
    if let bug, bug.requests != nil {
      handler = SabotagedHandler(base: handler, bug: bug, entropy: kernel.stream("sabotage \(process)"))
    }
    world.network.listen(process, port: 8090, handler: handler)
  }

  private static func environment(_ process: SimulatedProcess) -> ServiceEnvironment {
    ServiceEnvironment(
      clock: process.clock, wallClock: process.wallClock, entropy: process.entropy,
      logger: Logger(label: "checkout") { _ in SwiftLogNoOpLogHandler() })
  }
}

extension SQLRow {
  /// The value of a column that the table has.
  fileprivate subscript(name: String) -> SQLValue {
    guard let index = columns.index(of: name) else { preconditionFailure("there is no column \(name)") }
    return values[index]
  }
}
