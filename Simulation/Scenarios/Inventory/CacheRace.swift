internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
public import SimulationKernel

/// Readers that fill the cache against writers that invalidate it, on two instances: whatever the order, what is left in
/// the cache is what the table says, and what is read from it is never older than it may be.
public struct CacheRace: Scenario {
  public let name = "cache-race"
  public let summary = "fills race invalidations on two instances; cache and table agree at rest, stale reads end"
  public let defaultSeedCount = 400

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 4 + stream.index(below: 8)
    let operations = 10 + stream.index(below: 30)
    let stock = (0..<1 + stream.index(below: 3)).map { _ in 5 + stream.index(below: 60) }
    let think = stream.duration(in: .zero ... .milliseconds(20))
    let rounds = 3 + stream.index(below: 6)
    var cache = StockCache.Options(
      itemLife: stream.duration(in: .seconds(60) ... .seconds(180)),
      aggregateLife: stream.duration(in: .seconds(20) ... .seconds(60)))
    // A short lease is often over before its fill comes.
    cache.cache.leaseLife = stream.pick([.milliseconds(20), .seconds(1), .seconds(5)])
    // The database falls back behind the cache in its own fail-over, which only the life of values ends (ADR 0014).
    let faults = FaultKind.all.filter { $0 != .databaseFailOver } + FaultKind.ofCache
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        instances: 2, clientHosts: 3, stock: stock, faults: .drawn(from: world.kernel, allowing: faults),
        safety: .seconds(10), cache: cache))
    world.note(
      drawn: "\(clients) clients × \(operations) operations, \(stock.count) products, "
        + "values live \(cache.itemLife.components.seconds) s, \(rounds) rounds at the end")
    return inventory.play { _ in
      _ = try await inventory.eachClient(clients) { client, number in
        var shopper = Shopper(client: client, world: inventory, think: think)
        for _ in 0..<operations where !inventory.hasHealed { try await shopper.act(isReader: number % 3 != 0) }
      }
      try await inventory.heal()
      try await inventory.waitUntilNothingIsPending()
      if !inventory.mayHaveLostInvalidations { inventory.judgeCacheAtRest() }
      try await Self.readEverything(inventory)
      try await Self.outlive(inventory)
      for _ in 0..<rounds { try await Self.round(inventory, clients) }
    }
  }

  /// Waits until nothing is cached any more: what was lost has no effect from then on.
  private static func outlive(_ inventory: InventoryWorld) async throws {
    try await inventory.makeClient("auditor").think(inventory.cacheLife)
    try await readEverything(inventory)
    inventory.judgeCacheAtRest()
  }

  private static func readEverything(_ inventory: InventoryWorld) async throws {
    let client = inventory.makeClient("auditor")
    for product in inventory.products { _ = try await client.perform(.readItem(productId: product)) }
    _ = try await client.perform(.readItems(productIds: inventory.products))
    for aggregate in Shopper.aggregates { _ = try await client.perform(.readAggregate(aggregate)) }
  }

  /// One burst of reads and writes of one product with nothing wrong but a slow path from the database to one instance,
  /// whose fills come late: right after it cache and table agree.
  private static func round(_ inventory: InventoryWorld, _ clients: Int) async throws {
    let auditor = inventory.makeClient("auditor")
    let product = auditor.stream.pick(inventory.products)
    // Half of the rounds begin without a value, so that every reader wants to fill it.
    if auditor.stream.chance(0.5) {
      _ = try await auditor.perform(
        .replenish(productId: product, quantity: 1, key: auditor.stream.uuid().uuidString))
    }
    let slow = inventory.world.network.link(
      from: inventory.database.host, to: auditor.stream.pick(inventory.instances))
    slow.delay = auditor.stream.duration(in: .zero ... .milliseconds(6))
    _ = try await inventory.eachClient(clients) { client, number in
      try await client.think(client.stream.duration(in: .zero ... .milliseconds(4)))
      if number == 0 {
        _ = try await client.perform(
          .replenish(productId: product, quantity: 1, key: client.stream.uuid().uuidString))
      } else {
        for _ in 0..<3 { _ = try await client.perform(.readItem(productId: product)) }
      }
    }
    slow.delay = .zero
    try await auditor.think(.milliseconds(200))
    inventory.judgeCacheAtRest()
  }
}
