internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import SimulatedNetwork
public import SimulationKernel

/// Fifty requests with the same key at once, on both instances, some of them with another body: one order, and every one is
/// told of it, or that the key belongs to another request.
public struct IdempotencyStorm: Scenario {
  public let name = "idempotency-storm"
  public let summary = "the same key from 50 clients at once: one order, and all are told of it"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let rounds = 1 + stream.index(below: 3)
    let isQuiet = stream.chance(0.5)
    // Faults of the orders' own paths; the keys are in their database.
    let kinds: [FaultKind] = [
      .hostCrash, .hostPause, .partition, .slowLink, .messageLoss, .http(.resetAfter), .http(.responseLost),
      .database(.connectionLost), .database(.commitAppliedAnswerLost), .database(.commitDroppedAnswerLost),
    ]
    world.note(drawn: "50 clients, \(rounds) keys" + (isQuiet ? ", nothing goes wrong" : ""))
    let checkout = CheckoutWorld(
      world,
      .init(
        stock: [10_000, 10_000], faults: isQuiet ? FaultPlan([]) : .drawn(from: world.kernel, allowing: kinds)))
    return checkout.play(clients: 50) { client, number in
      client.userId = "everybody"
      for round in 1...rounds {
        // All want the same, but for a few who use the key for something else.
        let isOther = number % 10 == 9
        let wish = CheckoutClient.Wish(
          key: "round \(round)", lines: [(checkout.products[0], isOther ? 2 : 1)], token: "tok_ok")
        try await storm(checkout, client, wish, isQuiet: isQuiet)
      }
    } afterwards: {
      let orders = checkout.judge.ordersShadow.ids.count
      if orders > rounds { checkout.world.violate(Invariant.storedOnce.rawValue, ["\(rounds) keys, \(orders) orders"]) }
    }
  }

  private func storm(
    _ checkout: CheckoutWorld, _ client: CheckoutClient, _ wish: CheckoutClient.Wish, isQuiet: Bool
  ) async throws {
    for _ in 1...20 {
      let answer = try await client.ask(wish)
      switch (answer?.status, answer?.code) {
      case (202, _), (422, "idempotency_key_reused"): return
      case _ where !isQuiet: try await client.think(client.stream.duration(in: .milliseconds(50) ... .seconds(1)))
      default:
        return checkout.world.violate(
          Invariant.storedOnce.rawValue,
          ["\(client.name): \(answer.map { "\($0.status) \($0.code ?? "")" } ?? "no answer"), and nothing was wrong"])
      }
    }
  }
}
