internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Payments
internal import Seams
internal import SimulatedNetwork
internal import SimulatedPostgres
internal import SimulationKernel

/// Orders, inventory and the payment provider in the simulator, with their databases, broker and cache, each on a host of
/// its own, and clients that order.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class CheckoutWorld: @unchecked Sendable {
  /// How big the world is and what goes wrong in it.
  struct Shape {
    /// Units on hand at the start, for each product.
    var stock: [Int]
    var faults = FaultPlan([])
    /// How long faults last at most, in virtual time.
    var safety: Duration = .seconds(20)
    /// How long a reservation lives, in seconds.
    var reservationLife = 900
    /// How long a saga's step may take, and its lease last.
    var step: Duration = .seconds(30)
    /// Within which the orders service answers every request, but one that asks it to wait: where nothing is wrong that
    /// the answer needs.
    var answerLimit: Duration?
  }

  /// Virtual time that connections take to notice that every fault has healed.
  static let recoveryTime: Duration = .seconds(30)
  /// Virtual time after which a circuit is tried again that has opened.
  static let circuitTime: Duration = .seconds(12)
  /// Virtual time within which every order must have come to its end after every fault has healed.
  static let restBound: Duration = .seconds(300)

  let world: World
  let shape: Shape
  let products: [UUID]
  let orders: [SimulatedHost]
  let inventory: [SimulatedHost]
  let payments: SimulatedHost
  /// The host of who is told of orders' ends.
  let shop: SimulatedHost
  let receiver = NotificationReceiver()
  let ordersDatabase: DatabaseHost
  let stockDatabase: DatabaseHost
  let broker: BrokerHost
  let cache: StockCacheHost
  let injector: FaultInjector
  let bug: PlantedBug?
  /// What the payment provider remembers.
  let paid: ObservedPaymentStore
  let judge: CheckoutJudge
  let sabotage = SabotageCount()
  private let clientHosts: [SimulatedHost]
  private var clientCount = 0

  var kernel: SimulationKernel { world.kernel }
  var hasHealed: Bool { injector.hasHealed }

  init(_ world: World, _ shape: Shape) {
    self.world = world
    self.shape = shape
    let bug = PlantedBugCatalogue.bug(of: world.settings)
    self.bug = bug
    let kernel = world.kernel
    if !shape.faults.entries.isEmpty { world.note(drawn: shape.faults.summary) }
    orders = (1...2).map { kernel.host("orders-\($0)") }
    inventory = (1...2).map { kernel.host("inventory-\($0)") }
    payments = kernel.host("payments")
    shop = kernel.host("shop")
    clientHosts = (1...3).map { kernel.host("client-\($0)") }
    let ids = kernel.stream("products")
    products = shape.stock.map { _ in ids.uuid() }
    ordersDatabase = .orders(world, products: products, schemaChanges: bug?.schemaChanges ?? [])
    stockDatabase = .inventory(world, name: "postgres-inventory", stock: Array(zip(products, shape.stock)))
    broker = BrokerHost(world)
    cache = StockCacheHost(world)
    paid = ObservedPaymentStore()
    judge = CheckoutJudge(world, bug: bug, paid: paid)
    let (atOrders, atStock) = ([ordersDatabase.host, payments, shop] + inventory, [stockDatabase.host])
    injector = FaultInjector(
      kernel: kernel, network: world.network,
      targets: FaultInjector.Targets(
        services: orders.map { .init($0, needs: atOrders, usesBroker: true) }
          + inventory.map { .init($0, needs: atStock, usesCache: true, usesBroker: true) }
          + [.init(payments, needs: []), .init(shop, needs: [])],
        clients: clientHosts,
        databases: [(ordersDatabase.host, ordersDatabase), (stockDatabase.host, stockDatabase)],
        cache: (cache.host, cache), broker: (broker.host, broker)))
  }

  /// Lets `count` clients act under the shape's faults, heals everything, and judges what is left once everything has come
  /// to rest.
  ///
  /// - Parameters:
  ///   - act: what each client does, by its number from 0.
  ///   - afterwards: what happens once the system has recovered, before it is judged.
  func play(
    clients count: Int, _ act: @escaping @Sendable (CheckoutClient, Int) async throws -> Void,
    afterwards: @escaping @Sendable () async throws -> Void = {}
  ) -> RunOutcome {
    judge.watch(ordersDatabase, stockDatabase)
    do {
      try ordersDatabase.prepare()
      try stockDatabase.prepare()
    } catch {
      return .harnessFailure("a database could not be prepared: \(error)")
    }
    judge.begin()
    for host in clientHosts { host.boot { _ in } }
    let outcome = kernel.run(stuckAfter: .seconds(600), limit: .seconds(7_200)) { [self] driver in
      try await broker.declareAudit(on: driver)
      payments.boot { [self] in servePayments($0) }
      shop.boot { [self] in world.network.listen($0, port: 9000, handler: receiver) }
      for host in inventory { host.boot { [self] in try await serveInventory($0) } }
      for host in orders { host.boot { [self] in try await serveOrders($0) } }
      kernel.schedule(after: shape.safety) { [self] in heal() }
      injector.start(shape.faults)
      try await eachClient(count, act)
      heal()
      try await recover(driver)
      try await afterwards()
      if try await comesToRest(driver) { judge.judgeAtRest(self) }
    }
    // What scenarios watch with holds the world that holds it.
    (judge.onOrdersCommit, judge.onStockCommit) = ({ _ in }, { _ in })
    (paid.onCapture, paid.onRefund) = ({}, {})
    world.faults = injector.happened.map { RunReport.FaultCount($0.kind.name, $0.count) }
    if bug != nil { world.figures.append(.init("statements sabotaged", Double(sabotage.changes))) }
    return outcome
  }

  // MARK: - Clients

  /// A client on one of the client hosts.
  func makeClient(_ name: String) -> CheckoutClient {
    clientCount += 1
    guard let process = clientHosts[clientCount % clientHosts.count].process else {
      preconditionFailure("client hosts never crash")
    }
    return CheckoutClient(name, on: process, in: self)
  }

  /// Lets `count` new clients act at the same time.
  func eachClient(
    _ count: Int, _ act: @escaping @Sendable (CheckoutClient, Int) async throws -> Void
  ) async throws {
    let first = clientCount
    let clients = (0..<count).map { makeClient("client \(first + $0 + 1)") }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, client) in clients.enumerated() { group.addTask { try await act(client, number) } }
      try await group.waitForAll()
    }
  }

  /// One of the orders' instances, as clients address it.
  func ordersAddress(_ stream: RandomStream) -> String { "\(stream.pick(orders).name):3001" }

  /// One of the inventory's instances.
  func inventoryAddress(_ stream: RandomStream) -> String { "\(stream.pick(inventory).name):8080" }

  func heard(_ key: String, accepted id: UUID) { judge.heard(key, accepted: id) }

  func heard(cancelOf id: UUID, since start: MonotonicInstant) { judge.heard(cancelOf: id, since: start) }

  func heard(order id: UUID, told status: String, since start: MonotonicInstant) {
    judge.heard(order: id, told: status, since: start)
  }

  /// Judges how long an answer took, where the shape says how long it may.
  func judge(_ request: String, answeredWith status: Int?, since start: MonotonicInstant) {
    guard let limit = shape.answerLimit else { return }
    let time = start.duration(to: kernel.now)
    guard time > limit || status == nil || status.map({ $0 >= 500 }) == true else { return }
    world.violate(
      Invariant.answeredInTime.rawValue,
      ["\(request): \(status.map { "\($0)" } ?? "no answer") after \(time.nanosecondsClamped / 1_000_000) ms"])
  }

  // MARK: - The end

  /// Ends every fault.
  private func heal() {
    if !injector.hasHealed { injector.heal() }
  }

  /// Waits until nothing that went wrong can hinder an order any more: connections that hang are given up, the orders
  /// whose payments fail by themselves are over, and circuits that these have opened are tried again.
  private func recover(_ driver: SimulatedProcess) async throws {
    try await pause(driver, Self.recoveryTime)
    let start = kernel.now
    while start.duration(to: kernel.now) < Self.restBound, judge.ordersShadow.hasOpenOrders { try await pause(driver) }
    try await pause(driver, Self.circuitTime)
    judge.recoveredAt = kernel.now
  }

  private func pause(_ driver: SimulatedProcess, _ time: Duration = .milliseconds(500)) async throws {
    try await driver.clock.sleep(until: driver.clock.now.advanced(by: time), tolerance: nil)
  }

  /// Waits until every order is over, every outbox is empty and every event has arrived; ends the run as not converged when
  /// that takes longer than the bound.
  private func comesToRest(_ driver: SimulatedProcess) async throws -> Bool {
    let start = kernel.now
    while true {
      let open = openEnds()
      if open.isEmpty { return true }
      if start.duration(to: kernel.now) > Self.restBound {
        kernel.end(
          .notConverged(["\(Self.restBound.components.seconds) s after the system had recovered:"] + open))
        return false
      }
      try await pause(driver)
    }
  }

  private func openEnds() -> [String] {
    let orders = judge.ordersShadow.orders.values.filter { $0.sagaState != "done" }.sorted { $0.id < $1.id }
    if !orders.isEmpty { return ["\(orders.count) orders are not over"] + orders.prefix(5).map(\.description) }
    for database in [ordersDatabase, stockDatabase] {
      let left = database.server.committedRows(of: "outbox").filter {
        $0["published_at"] == .null && $0["refused_at"] == .null
      }
      if !left.isEmpty { return ["\(left.count) events wait in the outbox of \(database.host.name)"] }
    }
    let untold = ordersDatabase.server.committedRows(of: "notifications").filter { $0["delivered_at"] == .null }
    if !untold.isEmpty { return ["\(untold.count) notifications are not delivered"] }
    return broker.waiting.filter { $0.count > 0 }.map { "\($0.count) messages wait in \($0.queue)" }
  }
}
