internal import Checkers
internal import SimulatedNetwork
public import SimulationKernel

/// Customers cancel while their orders are on their way, several times and at any moment: what was done is undone, or the
/// order was confirmed first.
public struct CancelRace: Scenario {
  public let name = "cancel-race"
  public let summary = "cancels arrive at any moment of a saga, several at once: undone, or confirmed first"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 2 + stream.index(below: 6)
    let pace = stream.pick([Duration.zero, .milliseconds(5), .milliseconds(50)])
    let window = pace * 12 + .milliseconds(20)
    world.note(
      drawn:
        "\(clients) clients × \(orders) orders, cancelled within \(window.components.attoseconds / 1_000_000_000_000_000) ms"
    )
    let checkout = CheckoutWorld(world, .init(stock: [10_000, 10_000], answerLimit: .seconds(2)))
    return checkout.play(clients: clients) { client, number in
      if number == 0 { stretch(checkout, pace) }
      for number in 1...orders {
        let token = client.stream.pick(["tok_ok", "tok_ok", "tok_ok", "tok_declined"])
        guard let id = try await client.order(client.wish("order \(number)", token: token), attempts: 1) else {
          continue
        }
        for _ in 0...client.stream.index(below: 3) {
          try await client.think(client.stream.duration(in: .zero...window))
          let answer = try await client.cancel(id)
          if answer?.status == 409, answer?.code != "order_not_cancellable" {
            checkout.world.violate(Invariant.refusalHasCode.rawValue, ["cancel: \(answer?.code ?? "no code")"])
          }
        }
        try await client.settle(id)
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }

  /// Makes the ways of a saga longer, so that a cancel may come in between.
  private func stretch(_ checkout: CheckoutWorld, _ pace: Duration) {
    for caller in checkout.orders {
      for callee in checkout.inventory + [checkout.payments] {
        checkout.world.network.link(from: caller, to: callee).delay = pace
      }
    }
  }
}
