internal import Faults
public import SimulationKernel

/// Everything may fail while customers order, cancel and ask again: hosts crash and stall, links break, answers are lost or
/// damaged, the orders' database restarts, payments are declined, slow, flaky or captured without an answer.
public struct CheckoutChaos: Scenario {
  public let name = "checkout-chaos"
  public let summary = "orders, cancels and retries while services, links and the orders' database fail"
  public let defaultSeedCount = 200

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 10)
    let orders = 2 + stream.index(below: 8)
    let scarcity = stream.pick([5, 50, 5_000])
    let stock = (0..<(1 + stream.index(below: 5))).map { _ in stream.index(below: scarcity + 1) }
    world.note(drawn: "\(clients) clients × \(orders) orders, \(stock.count) products of up to \(scarcity) units")
    // A fail-over of the orders' database loses orders that were accepted: that is not what this scenario is about.
    let kinds = FaultKind.all.filter { $0 != .databaseFailOver }
    let checkout = CheckoutWorld(
      world, .init(stock: stock, faults: .drawn(from: world.kernel, allowing: kinds)))
    return checkout.play(clients: clients) { client in
      for number in 1...orders {
        try await client.think(client.stream.duration(in: .zero ... .milliseconds(800)))
        let token = client.stream.pick(["tok_ok", "tok_ok", "tok_declined", "tok_slow", "tok_flaky", "tok_lost"])
        guard let id = try await client.order("order \(number)", token: token) else { continue }
        if client.stream.chance(0.25) {
          try await client.think(client.stream.duration(in: .zero ... .milliseconds(200)))
          try await client.cancel(id)
        }
        if client.stream.chance(0.5) { try await client.settle(id) }
      }
    }
  }
}
