internal import Faults
public import SimulationKernel

/// Everything may fail while customers order, cancel, look around and ask again: hosts crash and stall, links break,
/// answers are lost or damaged, databases, broker and cache restart, payments are declined, slow, flaky or captured without
/// an answer.
public struct CheckoutChaos: Scenario {
  public let name = "checkout-chaos"
  public let summary = "orders, cancels and retries while services, links, databases, broker and cache fail"
  public let defaultSeedCount = 150

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    // A handful, or a crowd, whose orders meet in the same batches.
    let clients = 2 + stream.index(below: stream.pick([40, 40, 160]))
    let orders = 2 + stream.index(below: 10)
    let pause = stream.pick([Duration.milliseconds(5), .milliseconds(50), .milliseconds(800)])
    let scarcity = stream.pick([5, 50, 5_000])
    let stock = (0..<(1 + stream.index(below: 5))).map { _ in stream.index(below: scarcity + 1) }
    let life = stream.pick([900, 900, 5])
    let step = stream.pick([Duration.seconds(30), .seconds(10), .seconds(10)])
    world.note(
      drawn: "\(clients) clients × \(orders) orders, \(stock.count) products of up to \(scarcity) units, "
        + "reserved for \(life) s")
    // A fail-over of a database loses what was promised: that is not what this scenario is about.
    let kinds = (FaultKind.all + FaultKind.ofCache + FaultKind.ofBroker).filter { $0 != .databaseFailOver }
    let checkout = CheckoutWorld(
      world,
      .init(
        stock: stock, faults: .drawn(from: world.kernel, allowing: kinds), reservationLife: life,
        step: step))
    return checkout.play(clients: clients) { client, _ in
      for number in 1...orders {
        try await client.think(client.stream.duration(in: .zero...pause))
        if client.stream.chance(0.3) { try await client.lookAround() }
        // Tokens that fail open the provider's circuit: no more of them once everything heals.
        let tokens = ["tok_ok", "tok_ok", "tok_declined", "tok_slow", "tok_flaky", "tok_lost"]
        let token = checkout.hasHealed ? "tok_ok" : client.stream.pick(tokens)
        guard let id = try await client.order(client.wish("order \(number)", token: token)) else { continue }
        if client.stream.chance(0.25) {
          try await client.think(client.stream.duration(in: .zero ... .milliseconds(200)))
          _ = try await client.cancel(id)
        }
        if client.stream.chance(0.5) { try await client.settle(id) }
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }
}
