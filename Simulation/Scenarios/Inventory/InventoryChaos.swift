internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Seams
internal import ServiceKit
public import SimulationKernel

/// Everything at once: clients that reserve, confirm, release, correct and replenish stock on two instances, while
/// hosts crash, stall and lose each other, commits vanish and the database restarts.
public struct InventoryChaos: Scenario {
  public let name = "inventory-chaos"
  public let summary = "mixed clients on two instances under crashes, pauses, partitions, lost commits, db restarts"
  public let defaultSeedCount = 800

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 4 + stream.index(below: 20)
    let operations = 20 + stream.index(below: 60)
    let productCount = 1 + stream.index(below: 12)
    let scarcity = stream.pick([3, 20, 200, 5_000])
    let think = stream.duration(in: .milliseconds(1) ... .milliseconds(150))
    let stock = (0..<productCount).map { _ in stream.index(below: scarcity + 1) }
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        instances: 2, clientHosts: 3, stock: stock,
        faults: .drawn(from: world.kernel, allowing: FaultKind.all)))
    world.note(
      drawn: "\(clients) clients × \(operations) operations, products: \(productCount) of up to \(scarcity) units, "
        + "think time \(think.nanosecondsClamped / 1_000_000) ms")
    return inventory.play { _ in
      _ = try await inventory.eachClient(clients) { client, number in
        var customer = Customer(client: client, world: inventory, think: think)
        for _ in 0..<operations where !inventory.hasHealed { try await customer.act(number) }
      }
      try await inventory.heal()
      _ = try await inventory.eachClient(4) { client, number in
        try await Self.probe(inventory, client, number)
      }
      try await inventory.waitUntilNothingIsPending()
      try await Self.sellTheRest(inventory)
    }
  }

  /// After everything has healed: requests are answered at the first attempt, a refusal of one product does not hinder
  /// an order of another.
  private static func probe(_ inventory: InventoryWorld, _ client: InventoryClient, _ number: Int) async throws {
    for product in inventory.products {
      _ = try await client.perform(.readItem(productId: product), patience: .once)
      let lines = [ClientRecord.Line(productId: product, quantity: 1 + number)]
      let answer = try await client.perform(
        .reserve(orderId: client.stream.uuid(), lines: lines), patience: .once, ttlSeconds: 600)
      guard let id = answer?.reservationId else { continue }
      _ = try await client.perform(.release(reservationId: id), patience: .once)
    }
  }

  /// Nothing is undersold: whatever is available at rest can be reserved to the last unit.
  private static func sellTheRest(_ inventory: InventoryWorld) async throws {
    let client = inventory.makeClient("auditor")
    for product in inventory.products {
      guard let left = inventory.shadow.items[product]?.available, left > 0 else { continue }
      let lines = [ClientRecord.Line(productId: product, quantity: min(left, 1_000))]
      let answer = try await client.perform(
        .reserve(orderId: client.stream.uuid(), lines: lines), patience: .once, ttlSeconds: 600)
      guard answer?.status == 200, let id = answer?.reservationId else {
        inventory.violate(
          .restCanBeSold,
          ["\(left) units available of \(product.canonicalText), answer: \(answer?.description ?? "none")"])
        return
      }
      _ = try await client.perform(.release(reservationId: id), patience: .once)
    }
  }
}
