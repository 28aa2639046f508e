internal import Checkers
internal import Faults
internal import Seams
public import SimulationKernel

/// Writers that read the same version: one wins, the others are told the version that beat them.
public struct StaleVersion: Scenario {
  public let name = "stale-version"
  public let summary = "writers read one version; one update wins, the others are 409 and name the current version"
  public let defaultSeedCount = 400

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let writers = 2 + stream.index(below: 4)
    // A lost answer would make the winner ask again and lose to itself: only faults that lose nothing.
    let inventory = InventoryWorld(
      world,
      InventoryWorld.Shape(
        instances: 2, clientHosts: writers, stock: [100],
        faults: .drawn(
          from: world.kernel,
          allowing: [.hostPause, .clockSkew, .clockDrift, .slowLink, .database(.slowStatement)])))
    let rounds = 1 + stream.index(below: 6)
    world.note(drawn: "writers: \(writers), rounds: \(rounds)")
    return inventory.play { _ in
      let product = inventory.products[0]
      for round in 0..<rounds {
        guard let before = inventory.shadow.items[product] else { return }
        let answers = try await inventory.eachClient(writers) { client, number in
          try await client.think(client.stream.duration(in: .zero ... .milliseconds(20)))
          return try await client.perform(
            .put(productId: product, quantity: 100 + round * 10 + number, version: before.version),
            patience: InventoryClient.Patience(attempts: 1, attemptTimeout: .seconds(60)))
        }
        let won = answers.count { $0?.status == 200 }
        let stale = answers.count { $0?.code == "version_conflict" && $0?.currentVersion == before.version + 1 }
        if won != 1 || stale != writers - 1 {
          inventory.violate(
            .staleWritersLearn,
            ["\(writers) writers of version \(before.version): \(won) × 200, \(stale) × 409 with the current version"]
              + answers.map { "answer: \($0?.description ?? "none")" })
        }
      }
      try await inventory.heal()
    }
  }
}
