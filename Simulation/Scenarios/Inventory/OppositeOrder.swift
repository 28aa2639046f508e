internal import Checkers
internal import Faults
internal import Seams
public import SimulationKernel

/// Orders of A,B against orders of B,A at the same time: since lines lock in one order, none waits for another in a
/// circle.
public struct OppositeOrder: Scenario {
  public let name = "opposite-order"
  public let summary = "orders of A,B against orders of B,A at the same time: no deadlock; reports the time to resolve"
  public let defaultSeedCount = 250

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 4 + stream.index(below: 30)
    let productCount = 2 + stream.index(below: 4)
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        // Three at least: two meet in a circle when both have waited for a third and are let go together.
        instances: 4, clientHosts: 4, stock: Array(repeating: 1_000, count: productCount),
        faults: .drawn(from: world.kernel, allowing: [.hostPause, .slowLink, .database(.slowStatement)])))
    world.note(drawn: "clients: \(clients), products: \(productCount)")
    return inventory.play { _ in
      let started = world.kernel.now
      let answers = try await inventory.eachClient(clients) { client, number in
        let products = number.isMultiple(of: 2) ? inventory.products : inventory.products.reversed()
        let lines = products.map { ClientRecord.Line(productId: $0, quantity: 1) }
        return try await client.perform(.reserve(orderId: client.stream.uuid(), lines: lines), patience: .long)
      }
      let resolved = started.duration(to: world.kernel.now)
      world.figures.append(.init("time to resolve", resolved.inSeconds * 1_000, unit: "ms"))
      world.figures.append(.init("deadlocks", Double(inventory.deadlocks)))
      try await inventory.heal()
      let reserved = answers.count { $0?.status == 200 }
      world.figures.append(.init("orders reserved", Double(reserved)))
      if reserved != clients {
        inventory.violate(.plentyIsReserved, ["\(reserved) of \(clients) orders are reserved"])
      }
    }
  }
}
