internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Payments
internal import Seams
internal import ServiceKit
internal import SimulatedPostgres
internal import SimulationKernel

/// Judges a checkout world: every commit of both databases, what clients are told, and what is left at rest.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class CheckoutJudge: @unchecked Sendable {
  private let world: World
  private let paid: ObservedPaymentStore
  private let bug: PlantedBug?
  let stock: InventoryShadow
  let ordersShadow = OrdersShadow()
  /// When the system had recovered from its faults; `nil` while it has not.
  var recoveredAt: MonotonicInstant?
  /// Events that somebody else than the services published.
  var foreign: Set<UUID> = []
  /// Called after each commit of the orders' database, once it is judged.
  var onOrdersCommit: (OrdersCommit) -> Void = { _ in }
  /// Called after each commit of the inventory's database, once it is judged.
  var onStockCommit: (StoreCommit) -> Void = { _ in }
  private var stockEvents: [OutboxRow] = []
  private let storeCheckers: [any StoreChecker]
  private let orderCheckers: [any OrderChecker & Sendable]
  private var promises = AcceptedOrdersAreStored()
  private let told = ToldOrdersAreTrue()
  private var isBegun = false

  init(_ world: World, bug: PlantedBug?, paid: ObservedPaymentStore) {
    self.world = world
    self.bug = bug
    self.paid = paid
    stock = InventoryShadow(databaseEpoch: world.kernel.options.wallOrigin)
    storeCheckers = StoreCheckers.all.filter { bug?.isJudged(by: $0) ?? true }
    orderCheckers = OrderCheckers.all.filter { bug?.isJudged(by: $0) ?? true }
  }

  /// Follows the commits of both databases from now on.
  func watch(_ orders: DatabaseHost, _ inventory: DatabaseHost) {
    orders.server.onCommit { [weak self] record in
      guard let self else { return }
      take(OrdersCommit(record, time: world.kernel.now))
    }
    inventory.server.onCommit { [weak self] record in
      guard let self else { return }
      take(StoreCommit(record, time: world.kernel.now))
    }
  }

  /// Judges from now on: what is there already is nobody's change.
  func begin() { isBegun = true }

  private func take(_ commit: OrdersCommit) {
    ordersShadow.apply(commit)
    guard isBegun else { return }
    let around = surroundings()
    for checker in orderCheckers {
      if let violation = checker.judge(commit, in: ordersShadow, around) { return violate(violation) }
    }
    onOrdersCommit(commit)
  }

  private func take(_ commit: StoreCommit) {
    stock.apply(commit)
    guard isBegun else { return }
    stockEvents += commit.outbox
    for checker in storeCheckers {
      if let violation = checker.judge(commit, in: stock) { return violate(violation) }
    }
    onStockCommit(commit)
  }

  private func surroundings() -> OrderSurroundings {
    var around = OrderSurroundings(stock: stock) { [paid] in
      paid.payments(of: $0).map { ($0.status.rawValue, $0.amount) }
    }
    around.databaseEpoch = world.kernel.options.wallOrigin
    around.recoveredAt = recoveredAt
    return around
  }

  // MARK: - What clients are told

  func heard(_ key: String, accepted id: UUID) {
    let isStored = ordersShadow.orders[id] != nil
    let violation = promises.judge(.init(key: key, orderId: id), isStored: isStored)
    if let violation, bug?.isJudged(by: promises) ?? true { violate(violation) }
  }

  func heard(cancelOf id: UUID, since start: MonotonicInstant) {
    guard bug?.isJudged(by: told) ?? true else { return }
    if let violation = told.judge(cancelOf: id, since: start, in: ordersShadow) { violate(violation) }
  }

  func heard(order id: UUID, told status: String, since start: MonotonicInstant) {
    guard bug?.isJudged(by: told) ?? true else { return }
    let now = world.kernel.now
    if let violation = told.judge(order: id, told: status, from: start, to: now, in: ordersShadow) {
      violate(violation)
    }
  }

  // MARK: - At rest

  /// Faults after which an invalidation of the cache may be lost for good, as in ``InventoryWorld``.
  private static let losingInvalidations: [FaultKind] = [.hostCrash, .hostPowerLoss, .cacheFailOver]

  func judgeAtRest(_ checkout: CheckoutWorld) {
    var around = surroundings()
    around.stockEvents = stockEvents
    around.published = checkout.broker.published
    around.waiting = checkout.broker.waiting
    around.told = checkout.receiver.told
    around.foreign = foreign
    around.handledTypes = [
      "InventoryReserved", "InventoryConfirmed", "InventoryReleased", "StockDepleted", "StockReplenished",
    ]
    for checker in storeCheckers {
      if let violation = checker.judgeAtRest(stock) { return violate(violation) }
    }
    for checker in orderCheckers {
      if let violation = checker.judgeAtRest(ordersShadow, around) { return violate(violation) }
    }
    if let violation = promises.judgeAtRest(stored: Set(ordersShadow.ids)), bug?.isJudged(by: promises) ?? true {
      return violate(violation)
    }
    let cached = CacheAgreesAtRest()
    if bug?.isJudged(by: cached) ?? true,
      !checkout.injector.happened.contains(where: { Self.losingInvalidations.contains($0.kind) }),
      let violation = cached.judge(checkout.cache.items(checkout.products), in: stock)
    {
      return violate(violation)
    }
    let ends = ordersShadow.orders.values
    let confirmed = ends.count { $0.status == "CONFIRMED" }
    for (name, count) in zip(RunReport.orderFigures, [confirmed, ends.count - confirmed]) {
      world.figures.append(.init(name, Double(count)))
    }
    let distinct = Set(around.published.map(\.id)).count
    world.figures.append(.init("events published", Double(distinct)))
    world.figures.append(.init("copies of events", Double(around.published.count - distinct)))
  }

  private func violate(_ violation: Violation) { world.violate(violation.invariant.rawValue, violation.evidence) }
}
