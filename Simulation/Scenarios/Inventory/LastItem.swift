internal import Checkers
internal import Faults
internal import Seams
public import SimulationKernel

/// A hundred clients want the one unit of a product: one gets it, ninety-nine are told that it is gone.
public struct LastItem: Scenario {
  public let name = "last-item"
  public let summary = "100 clients reserve a product of which one unit is left: one gets it, 99 are refused"
  public let defaultSeedCount = 150
  static let clientCount = 100

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        instances: 1 + stream.index(below: 2), clientHosts: 4, stock: [1],
        // A fail-over that loses the winner's commit lets a second client win, and rightly.
        faults: .drawn(from: world.kernel, allowing: FaultKind.all.filter { $0 != .databaseFailOver })))
    let spread = stream.duration(in: .milliseconds(1) ... .milliseconds(400))
    world.note(drawn: "instances: \(inventory.instances.count), clients within \(spread.nanosecondsClamped / 1_000) µs")
    return inventory.play { _ in
      let product = inventory.products[0]
      let answers = try await inventory.eachClient(Self.clientCount) { client, _ in
        try await client.think(client.stream.duration(in: .zero...spread))
        let order = client.stream.uuid()
        return try await client.perform(
          .reserve(orderId: order, lines: [.init(productId: product, quantity: 1)]), patience: .long)
      }
      try await inventory.heal()
      let won = answers.count { $0?.status == 200 }
      let refused = answers.count { $0?.code == "insufficient_stock" }
      if won != 1 || refused != Self.clientCount - 1 {
        inventory.violate(
          .lastItemOnce,
          ["\(won) × 200, \(refused) × 409 insufficient_stock, of \(answers.count)"]
            + answers.compactMap { $0 }.filter { $0.status == 200 }.prefix(5).map { "won: \($0)" })
      }
      if let item = inventory.shadow.items[product], item.reserved != 1 {
        inventory.violate(.lastItemReserved, ["\(item)"])
      }
    }
  }
}
