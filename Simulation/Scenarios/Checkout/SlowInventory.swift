internal import SimulatedNetwork
public import SimulationKernel

/// The inventory takes seconds. As long as it answers within an attempt's time every order goes through; when it does not,
/// orders fail cleanly, and what it did too late is undone.
public struct SlowInventory: Scenario {
  public let name = "slow-inventory"
  public let summary = "the inventory answers after seconds, or after its callers gave up: late work is undone"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 1 + stream.index(below: 3)
    let isPatient = stream.chance(0.4)
    let delay =
      isPatient
      ? stream.duration(in: .milliseconds(2_000) ... .milliseconds(4_500))
      : stream.duration(in: .milliseconds(5_000) ... .seconds(20))
    // Late requests, late answers, or both.
    let way = stream.index(below: 3)
    world.note(
      drawn: "\(clients) clients × \(orders) orders, \(delay.components.seconds) s for "
        + ["requests", "answers", "both together"][way])
    let checkout = CheckoutWorld(
      world, .init(stock: [10_000, 10_000], safety: .seconds(isPatient ? 300 : 60), answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, number in
      if number == 0 { slow(checkout, by: delay, way) }
      for number in 1...orders {
        let id = try await client.order(client.wish("order \(number)", token: "tok_ok"), attempts: 1)
        var status: String?
        if let id { status = try await client.settle(id) }
        if isPatient { checkout.mustBeConfirmed(id, status) }
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }

  private func slow(_ checkout: CheckoutWorld, by delay: Duration, _ way: Int) {
    for caller in checkout.orders {
      for callee in checkout.inventory {
        let half = way == 2 ? delay / 2 : delay
        if way != 1 { checkout.world.network.link(from: caller, to: callee).delay = half }
        if way != 0 { checkout.world.network.link(from: callee, to: caller).delay = half }
      }
    }
  }
}
