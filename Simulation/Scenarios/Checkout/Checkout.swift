public import SimulationKernel

/// Nothing goes wrong: every order of plentiful products is reserved, paid and confirmed, whatever the network's pace.
public struct Checkout: Scenario {
  public let name = "checkout"
  public let summary = "orders across orders, inventory, payments, broker and cache, with nothing going wrong"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 12)
    let orders = 1 + stream.index(below: 8)
    world.note(drawn: "\(clients) clients × \(orders) orders")
    let checkout = CheckoutWorld(world, .init(stock: [10_000, 10_000, 10_000], answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, _ in
      for number in 1...orders {
        let id = try await client.order(client.wish("order \(number)", token: "tok_ok"), attempts: 1)
        var status: String?
        if let id { status = try await client.settle(id) }
        checkout.mustBeConfirmed(id, status)
      }
    }
  }
}
