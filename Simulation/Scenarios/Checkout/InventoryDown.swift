public import SimulationKernel

/// The inventory is gone for a while: orders are accepted all the same and at once, fail with their code once the retries
/// are spent, and go through again when the inventory is back.
public struct InventoryDown: Scenario {
  public let name = "inventory-down"
  public let summary = "the inventory is gone for a while; orders are accepted, fail cleanly, and go through afterwards"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 2 + stream.index(below: 6)
    let start = stream.duration(in: .zero ... .seconds(3))
    let outage = stream.duration(in: .seconds(3) ... .seconds(50))
    world.note(drawn: "\(clients) clients × \(orders) orders, the inventory is gone for \(outage.components.seconds) s")
    let checkout = CheckoutWorld(
      world, .init(stock: [10_000, 10_000], safety: start + outage, answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, number in
      if number == 0 {
        try await client.think(start)
        for host in checkout.inventory { host.crash(client.stream.pick([.process, .power])) }
      }
      for number in 1...orders {
        let id = try await client.order(client.wish("order \(number)", token: "tok_ok"), attempts: 1)
        if let id, client.stream.chance(0.5) { try await client.settle(id) }
        try await client.think(client.stream.duration(in: .zero ... .seconds(2)))
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }
}
