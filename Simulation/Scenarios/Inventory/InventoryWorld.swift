internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Logging
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
internal import SimulatedPostgres
internal import SimulatedRedis
internal import SimulationKernel

/// The inventory service in the simulator: instances, their database, hosts for clients, faults, and the judges.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class InventoryWorld: @unchecked Sendable {
  /// How big the world is and what goes wrong in it.
  struct Shape {
    var instances: Int
    var clientHosts: Int
    /// Units on hand at the start, for each product.
    var stock: [Int]
    var faults: FaultPlan
    /// How often each instance looks for reservations that have expired.
    var expiryInterval: Duration = .seconds(1)
    /// How long faults last at most, in virtual time.
    var safety: Duration = .seconds(20)
    /// How long values live in the cache; `nil` for a world without one.
    var cache: StockCache.Options?
    /// Within which every request is to be answered, where nothing is wrong that the answer needs.
    var answerLimit: Duration?
  }

  /// How long a value may take from the tables into the cache, or to one who waits for it: a lease's life, and the time
  /// for which a client waits.
  static let reading: Duration = .seconds(20)

  static let port = 8080
  /// Virtual time within which everything must have come to rest after every fault has healed.
  static let restBound: Duration = .seconds(180)
  /// Virtual time that connections which faults left hanging take to notice; from then on no request may fail.
  static let recoveryTime: Duration = .seconds(30)

  let world: World
  let instances: [SimulatedHost]
  let products: [UUID]
  /// What the tables hold; made anew when a fail-over has lost commits.
  private(set) var shadow: InventoryShadow
  /// Whether every fault has healed and the recovery time has passed.
  private(set) var hasRecovered = false
  let shape: Shape
  private let clientHosts: [SimulatedHost]
  let database: DatabaseHost
  let cache: StockCacheHost?
  let injector: FaultInjector
  let bug: PlantedBug?
  private let storeCheckers: [any StoreChecker]
  private var historyCheckers: [any HistoryChecker]
  /// Every commit that has not been lost, for a fail-over.
  private var commits: [(sequence: UInt64, commit: StoreCommit)] = []
  /// When a fail-over lost commits last.
  private var lastLoss: MonotonicInstant?
  private let sabotage = SabotageCount()
  private var clientCount = 0

  var kernel: SimulationKernel { world.kernel }
  var hasHealed: Bool { injector.hasHealed }
  /// Whether what is sent now may get an answer that the service did not write.
  var mayDamageAnswers: Bool { !injector.hasHealed && shape.faults.damagesAnswers }
  /// Transactions that the database ended with 40P01.
  var deadlocks: Int { database.server.statistics.deadlocks }

  /// A world of this shape, with nothing running yet.
  ///
  /// - Precondition: the planted bug that the settings name exists.
  init(_ world: World, _ shape: Shape) {
    self.world = world
    self.shape = shape
    let bug = PlantedBugCatalogue.bug(of: world.settings)
    self.bug = bug
    storeCheckers = StoreCheckers.all.filter { bug?.isJudged(by: $0) ?? true }
    historyCheckers = Self.historyCheckers(for: bug, shape)
    shadow = Self.emptyShadow(world.kernel)
    world.note(drawn: shape.faults.summary)
    instances = (1...shape.instances).map { world.kernel.host("inventory-\($0)") }
    clientHosts = (1...shape.clientHosts).map { world.kernel.host("client-\($0)") }
    let ids = world.kernel.stream("products")
    products = shape.stock.map { _ in ids.uuid() }
    database = .inventory(
      world, stock: Array(zip(products, shape.stock)), schemaChanges: bug?.schemaChanges ?? [])
    cache = shape.cache.map { _ in StockCacheHost(world) }
    injector = FaultInjector(
      kernel: world.kernel, network: world.network,
      targets: FaultInjector.Targets(
        services: instances.map { [database] in
          .init($0, needs: [database.host], usesCache: shape.cache != nil)
        }, clients: clientHosts, databases: [(database.host, database)], cache: cache.map { ($0.host, $0) }))
  }

  /// Runs `workload` under the shape's faults until it returns, judging every commit and every answer.
  ///
  /// The workload heals the world itself when its safety phase is over.
  func play(_ workload: @escaping @Sendable (SimulatedProcess) async throws -> Void) -> RunOutcome {
    var isPrepared = false
    database.server.onCommit { [weak self] record in
      guard let self else { return }
      let commit = StoreCommit(record, time: kernel.now)
      shadow.apply(commit)
      commits.append((record.sequence, commit))
      // The products of the start are nobody's change, and no event tells of them.
      if isPrepared { judge(commit) }
    }
    database.onFailOver = { [weak self] lost in self?.beginAnew(without: lost) }
    do {
      try database.prepare()
    } catch {
      return .harnessFailure("the database could not be prepared: \(error)")
    }
    isPrepared = true
    for host in clientHosts { host.boot { _ in } }
    for host in instances {
      host.boot { [self] process in try await serve(process) }
    }
    let outcome = kernel.run(stuckAfter: .seconds(300), limit: .seconds(7_200)) { [self] driver in
      kernel.schedule(after: shape.safety) { [self] in endFaults() }
      injector.start(shape.faults)
      try await workload(driver)
      judgeAtRest()
    }
    world.faults = injector.happened.map { RunReport.FaultCount($0.kind.name, $0.count) }
    if bug != nil { world.figures.append(.init("statements sabotaged", Double(sabotage.changes))) }
    return outcome
  }

  // MARK: - Clients

  /// A client on one of the client hosts.
  func makeClient(_ name: String) -> InventoryClient {
    clientCount += 1
    guard let process = clientHosts[clientCount % clientHosts.count].process else {
      preconditionFailure("client hosts never crash")
    }
    return InventoryClient(name, on: process, in: self)
  }

  /// Lets `count` new clients act at the same time.
  ///
  /// - Returns: what each came to, in the order of their numbers.
  func eachClient<Result: Sendable>(
    _ count: Int, _ act: @escaping @Sendable (InventoryClient, Int) async throws -> Result
  ) async throws -> [Result] {
    let first = clientCount
    let clients = (0..<count).map { makeClient("client \(first + $0 + 1)") }
    return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
      for (number, client) in clients.enumerated() {
        group.addTask { (number, try await act(client, number)) }
      }
      var results: [(Int, Result)] = []
      for try await result in group { results.append(result) }
      return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  // MARK: - Liveness

  /// Ends every fault, if that has not happened yet, and waits until the system has recovered.
  func heal() async throws {
    endFaults()
    let client = makeClient("janitor")
    while !hasRecovered { try await client.think(.milliseconds(500)) }
  }

  private func endFaults() {
    guard !injector.hasHealed else { return }
    injector.heal()
    kernel.schedule(after: Self.recoveryTime) { [self] in hasRecovered = true }
  }

  /// Waits until every reservation has ended, by a client or by its expiry; ends the run as not converged when that takes
  /// longer than the bound.
  func waitUntilNothingIsPending() async throws {
    let client = makeClient("auditor")
    let start = kernel.now
    while !shadow.pending.isEmpty {
      if start.duration(to: kernel.now) > Self.restBound {
        kernel.end(
          .notConverged(
            ["\(shadow.pending.count) reservations are pending \(Self.restBound.components.seconds) s after healing"]
              + shadow.pending.prefix(5).map(\.description)))
        return
      }
      try await client.think(.milliseconds(500))
    }
  }

  // MARK: - Judging

  /// Judges what a client was told. What it was told of a time before commits were lost binds nobody any more.
  func judge(_ record: ClientRecord) {
    if let lastLoss, record.start <= lastLoss { return }
    for checker in historyCheckers {
      if let violation = checker.judge(record, in: shadow) { return violate(violation) }
    }
  }

  /// Takes a request that is over into the history.
  func note(_ request: ClientRequest) {
    for checker in historyCheckers { checker.note(request) }
  }

  private func judge(_ commit: StoreCommit) {
    for checker in storeCheckers {
      if let violation = checker.judge(commit, in: shadow) { return violate(violation) }
    }
  }

  /// Goes on as if the commits that a fail-over has lost had never been: whole transactions, so that every invariant
  /// holds of what is left.
  private func beginAnew(without lost: Set<UInt64>) {
    lastLoss = kernel.now
    commits.removeAll { lost.contains($0.sequence) }
    shadow = Self.emptyShadow(kernel)
    for commit in commits { shadow.apply(commit.commit) }
    historyCheckers = Self.historyCheckers(for: bug, shape, fromTheStart: false)
  }

  private static func emptyShadow(_ kernel: SimulationKernel) -> InventoryShadow {
    InventoryShadow(databaseEpoch: kernel.options.wallOrigin)
  }

  private static func historyCheckers(
    for bug: PlantedBug?, _ shape: Shape, fromTheStart: Bool = true
  ) -> [any HistoryChecker] {
    let staleness = shape.cache.map {
      Staleness(itemLife: $0.itemLife, aggregateLife: $0.aggregateLife, reading: reading)
    }
    return HistoryCheckers.make(
      fromTheStart: fromTheStart, staleness: staleness ?? .none, answeredWithin: shape.answerLimit
    ).filter { bug?.isJudged(by: $0) ?? true }
  }

  /// Judges what is left when the workload is over. A deadlock is judged only then, so that it shows how it resolved.
  private func judgeAtRest() {
    if deadlocks > 0 {
      return violate(
        .lockOrder, ["\(deadlocks) transactions were ended with 40P01 and ran again; the workload came to its end"])
    }
    for checker in storeCheckers where shadow.pending.isEmpty {
      if let violation = checker.judgeAtRest(shadow) { return violate(violation) }
    }
    for checker in historyCheckers {
      if let violation = checker.judgeAtRest(shadow) { return violate(violation) }
      if (checker as? StockIsLinearizable)?.isUndecided == true {
        world.figures.append(.init("histories of which nobody knows whether they are linearizable", 1))
      }
    }
  }

  private func violate(_ violation: Violation) { violate(violation.invariant, violation.evidence) }

  /// Ends the run: `invariant` broke, as `evidence` shows.
  func violate(_ invariant: Invariant, _ evidence: [String]) { world.violate(invariant.rawValue, evidence) }

  // MARK: - The service

  /// What an instance's host runs: the service as it is in production.
  private func serve(_ process: SimulatedProcess) async throws {
    let environment = ServiceEnvironment(
      clock: process.clock, wallClock: process.wallClock, entropy: process.entropy, logger: Self.silentLogger)
    var connector: any SQLConnector = database.server.connector(for: process)
    var cacheConnector: (any CacheConnector)? = cache?.server.connector(for: process)
    if let bug, !bug.cache.isEmpty, let base = cacheConnector {
      cacheConnector = SabotagedCacheConnector(base, sabotage: bug.cache, clock: process.clock, count: sabotage)
    }
    if let bug {
      connector = SabotagedConnector(connector, bug: bug, count: sabotage, cachedRow: cachedRow) { [kernel] error in
        kernel.failHarness("the planted bug \(bug.name) makes a statement that is no SQL: \(error)")
      }
    }
    var configuration = InventoryConfiguration(expiryInterval: shape.expiryInterval)
    if let cache = shape.cache { configuration.cache = cache }
    let service = InventoryService(
      environment: environment, connector: connector, cache: cacheConnector, configuration: configuration)
    var handler = service.handler
    if let bug, bug.requests != nil || !bug.answers.isEmpty {
      handler = SabotagedHandler(base: handler, bug: bug, entropy: kernel.stream("sabotage \(process)"))
    }
    world.network.listen(process, port: Self.port, handler: handler)
    do {
      try await service.run()
    } catch let error where !(error is HostDead || error is CancellationError) {
      violate(.serviceRuns, ["\(process) ended: \(error)"])
    }
  }

  private static let silentLogger = Logger(label: "inventory") { _ in SwiftLogNoOpLogHandler() }
}
