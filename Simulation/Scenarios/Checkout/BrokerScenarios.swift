internal import Faults
internal import Seams
public import SimulationKernel

/// The broker dies, restarts, is cut off and loses confirms: no order notices, and every event arrives in the end.
public struct BrokerRestart: Scenario {
  public let name = "broker-restart"
  public let summary = "the broker dies, restarts, is cut off; orders go through, every event arrives in the end"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 2 + stream.index(below: 8)
    // One kind is there in every run; the others as the seed wants.
    let certain = stream.pick([FaultKind.brokerRestart, .brokerPowerLoss])
    let drawn = FaultPlan.drawn(from: world.kernel, allowing: FaultKind.ofBroker).entries.filter { $0.kind != certain }
    world.note(drawn: "\(clients) clients × \(orders) orders")
    let checkout = CheckoutWorld(
      world,
      .init(
        stock: [10_000, 10_000], faults: FaultPlan([.init(kind: certain, intensity: 0.9)] + drawn),
        answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, _ in
      for number in 1...orders {
        let id = try await client.order(client.wish("order \(number)", token: "tok_ok"), attempts: 1)
        var status: String?
        if let id { status = try await client.settle(id) }
        checkout.mustBeConfirmed(id, status)
        try await client.think(client.stream.duration(in: .zero ... .seconds(3)))
      }
    }
  }
}

/// Confirms and acknowledgements are lost, so that the same events are published and delivered again and again: each takes
/// effect once.
public struct DuplicateDelivery: Scenario {
  public let name = "duplicate-delivery"
  public let summary = "events are published and delivered again and again; each takes effect once"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 2 + stream.index(below: 6)
    let life = stream.pick([900, 3])
    let intensity = 0.5 + stream.unitInterval() / 2
    world.note(drawn: "\(clients) clients × \(orders) orders, reserved for \(life) s")
    let certain: [FaultKind] = [.broker(.confirmLost), .broker(.connectionLost)]
    let others = FaultPlan.drawn(from: world.kernel, allowing: [.hostCrash, .brokerRestart, .hostPause]).entries
    let checkout = CheckoutWorld(
      world,
      .init(
        stock: [10_000, 10_000], faults: FaultPlan(certain.map { .init(kind: $0, intensity: intensity) } + others),
        reservationLife: life))
    return checkout.play(clients: clients) { client, _ in
      for number in 1...orders {
        let token = client.stream.pick(["tok_ok", "tok_slow"])
        let id = try await client.order(client.wish("order \(number)", token: token))
        if let id { try await client.settle(id) }
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }
}
