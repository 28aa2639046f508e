internal import SimulatedNetwork
public import SimulationKernel

/// Payments are captured and their answers are lost: they are asked for again with the same key, captured once, and given
/// back where the order comes to nothing.
public struct PaymentLost: Scenario {
  public let name = "payment-lost"
  public let summary = "payments are captured and the answers are lost; nobody pays twice, or for nothing"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 1 + stream.index(below: 5)
    let share = stream.pick([0, 0.5, 0.9])
    let fault = stream.pick([HTTPFault.responseLost, .resetAfter])
    world.note(
      drawn: "\(clients) clients × \(orders) orders, \(Int(share * 100)) % of the provider's answers: \(fault.rawValue)"
    )
    let checkout = CheckoutWorld(
      world, .init(stock: [10_000, 10_000], safety: .seconds(90), answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, number in
      if number == 0 {
        for caller in checkout.orders {
          checkout.world.network.link(from: caller, to: checkout.payments).httpFaults[fault] = share
        }
      }
      for number in 1...orders {
        let token = client.stream.pick(["tok_lost", "tok_lost", "tok_flaky", "tok_ok"])
        guard let id = try await client.order(client.wish("order \(number)", token: token), attempts: 1) else {
          continue
        }
        if client.stream.chance(0.2) { _ = try await client.cancel(id) }
        if client.stream.chance(0.6) { try await client.settle(id) }
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }
}

/// Payments are declined: what was held for them comes back, and others can buy it.
public struct PaymentDeclined: Scenario {
  public let name = "payment-declined"
  public let summary = "payments are declined; what was held for them comes back and is sold to others"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 3 + stream.index(below: 10)
    let units = 1 + stream.index(below: 4)
    world.note(drawn: "\(clients) customers who cannot pay, \(units) units")
    let checkout = CheckoutWorld(world, .init(stock: [units], answerLimit: .seconds(1)))
    let product = checkout.products[0]
    return checkout.play(clients: clients) { client, _ in
      for number in 1...3 {
        let wish = CheckoutClient.Wish(key: "order \(number)", lines: [(product, 1)], token: "tok_declined")
        guard let id = try await client.order(wish, attempts: 1) else { continue }
        try await client.settle(id)
      }
    } afterwards: {
      // Every unit is still there, and is sold to somebody who can pay.
      let client = checkout.makeClient("buyer")
      for number in 1...units {
        let wish = CheckoutClient.Wish(key: "order \(number)", lines: [(product, 1)], token: "tok_ok")
        let id = try await client.order(wish, attempts: 1)
        var status: String?
        if let id { status = try await client.settle(id) }
        checkout.mustBeConfirmed(id, status)
      }
    }
  }
}

/// Reservations run out while their payments are under way: an order is paid and confirmed in time, or refunded.
public struct ExpiryAgainstPayment: Scenario {
  public let name = "expiry-against-payment"
  public let summary = "reservations run out while payments are under way: confirmed in time, or refunded"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 1 + stream.index(below: 5)
    let life = 1 + stream.index(below: 5)
    let delay = stream.duration(in: .zero ... .milliseconds(2_500))
    world.note(drawn: "\(clients) clients × \(orders) orders, reserved for \(life) s, the provider is far away")
    let checkout = CheckoutWorld(
      world,
      .init(stock: [3, 10_000], safety: .seconds(120), reservationLife: life, answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, number in
      if number == 0 {
        for caller in checkout.orders {
          checkout.world.network.link(from: caller, to: checkout.payments).delay = delay
        }
      }
      for number in 1...orders {
        let token = client.stream.pick(["tok_ok", "tok_slow", "tok_flaky", "tok_lost"])
        let id = try await client.order(client.wish("order \(number)", token: token), attempts: 1)
        if let id { try await client.settle(id) }
      }
    }
  }
}
