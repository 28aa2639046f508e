internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Seams
public import SimulationKernel

/// The cache dies, restarts empty, is slow, is cut off: every request is answered all the same, and in time.
public struct RedisDown: Scenario {
  public let name = "redis-down"
  public let summary = "the cache dies, restarts, is slow or cut off; every request is answered, and within a second"
  public let defaultSeedCount = 200

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 3 + stream.index(below: 10)
    let operations = 20 + stream.index(below: 60)
    let stock = (0..<1 + stream.index(below: 6)).map { _ in 20 + stream.index(below: 200) }
    let think = stream.duration(in: .milliseconds(20) ... .milliseconds(200))
    let cache = StockCache.Options(
      itemLife: stream.duration(in: .seconds(60) ... .seconds(120)), aggregateLife: .seconds(60))
    // One kind is there in every run; the others as the seed wants.
    let kinds = FaultKind.ofCache
    let drawn = FaultPlan.drawn(from: world.kernel, allowing: kinds)
    let certain = FaultPlan.Entry(kind: stream.pick(kinds), intensity: 0.5 + stream.unitInterval() / 2)
    let faults = FaultPlan(drawn.entries.filter { $0.kind != certain.kind } + [certain])
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        instances: 2, clientHosts: 3, stock: stock, faults: faults, cache: cache, answerLimit: .seconds(1)))
    world.note(drawn: "\(clients) clients × \(operations) operations, \(stock.count) products")
    return inventory.play { _ in
      let unanswered = try await inventory.eachClient(clients) { client, number in
        let isReader = number % 3 != 0
        var shopper = Shopper(client: client, world: inventory, think: think, lives: [1, 2])
        // Readers stay for longer: the last changes, by the expiry job, find something to invalidate.
        for _ in 0..<(isReader ? 2 * operations : operations) where !inventory.hasHealed {
          try await shopper.act(isReader: isReader)
        }
        return client.unanswered
      }
      if let lost = unanswered.flatMap(\.self).first {
        return inventory.violate(.answeredInTime, ["no answer: \(lost)"])
      }
      try await inventory.heal()
      try await inventory.waitUntilNothingIsPending()
      if !inventory.mayHaveLostInvalidations { inventory.judgeCacheAtRest() }
      try await Self.readTwice(inventory)
    }
  }

  /// Once the cache is back, it is used again: of two reads in a row the second is answered from it, unless an invalidation
  /// that was still owed came in between; then that of the next two is.
  private static func readTwice(_ inventory: InventoryWorld) async throws {
    let client = inventory.makeClient("auditor")
    for product in inventory.products {
      var isFromCache = false
      for _ in 1...2 where !isFromCache {
        _ = try await client.perform(.readItem(productId: product))
        isFromCache = try await client.perform(.readItem(productId: product))?.isFromCache == true
      }
      guard isFromCache else {
        return inventory.violate(
          .cacheIsUsedAgain, ["the second of two reads of \(product) was not answered from the cache"])
      }
    }
  }
}
