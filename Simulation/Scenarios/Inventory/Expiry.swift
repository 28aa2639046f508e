internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Seams
internal import SimulatedNetwork
public import SimulationKernel

/// Ten reservations of one second; then two instances run the expiry job at once, while some clients still try to
/// confirm: every unit comes back or is sold, once.
public struct Expiry: Scenario {
  public let name = "expiry"
  public let summary =
    "reservations of 1 s; two instances expire them at once, against confirms: each unit returns once"
  public let defaultSeedCount = 250
  static let reservations = 10

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        instances: 2, clientHosts: 4, stock: [50],
        faults: .drawn(
          from: world.kernel,
          allowing: [
            .hostPause, .clockSkew, .clockDrift, .slowLink, .database(.slowStatement), .http(.responseLost),
            .database(.commitAppliedAnswerLost), .database(.commitDroppedAnswerLost), .database(.connectionLost),
          ])))
    let confirms = stream.index(below: Self.reservations + 1)
    // Around the moment at which the reservations end, so that confirm and job meet.
    let confirmAt = stream.duration(in: .milliseconds(850) ... .milliseconds(1_150))
    let jobs = 2 + stream.index(below: 3)
    world.note(drawn: "confirms: \(confirms) after \(confirmAt.nanosecondsClamped / 1_000_000) ms, jobs: \(jobs)")
    return inventory.play { _ in
      let product = inventory.products[0]
      let confirmed = try await inventory.eachClient(Self.reservations) { client, number in
        let answer = try await client.perform(
          .reserve(orderId: client.stream.uuid(), lines: [.init(productId: product, quantity: 1)]),
          patience: .long, ttlSeconds: 1)
        guard number < confirms, let id = answer?.reservationId else { return false }
        try await client.think(confirmAt + client.stream.duration(in: .zero ... .milliseconds(60)))
        return try await client.perform(.confirm(reservationId: id), patience: .long)?.status == 200
      }
      _ = try await inventory.eachClient(jobs) { client, _ in
        try await client.think(.seconds(1) + client.stream.duration(in: .zero ... .milliseconds(30)))
        return try await client.perform(.expire, patience: .long)
      }
      try await inventory.heal()
      try await inventory.waitUntilNothingIsPending()
      let sold = confirmed.count { $0 }
      guard let item = inventory.shadow.items[product] else { return }
      if item.reserved != 0 || item.quantity > 50 - sold {
        inventory.violate(
          .expiredUnitsReturn,
          ["\(item)", "\(sold) of \(Self.reservations) reservations were confirmed of 50 units"])
      }
    }
  }
}
