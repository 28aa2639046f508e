import FoundationEssentials
import Payments
import Seams
import ServiceKit
import SimulatedNetwork
import SimulationKernel
import Testing

/// Charges over a network that loses, cuts and damages, to a sandbox that crashes: rule 4 and rule 8 of the design.
@Suite struct SandboxChaosTests {
  /// How a charge under faults ended.
  private enum End: Equatable {
    case result(ChargeResult)
    case failed(FailureDisposition)
  }

  private static func damage(_ world: SandboxWorld, _ client: SimulatedHost, _ entropy: any EntropySource) {
    let link = world.network.link(from: client, to: world.server)
    for fault in HTTPFault.allCases where entropy.unitInterval() < 0.5 { link.httpFaults[fault] = 0.1 }
    link.loss = 0.05
    for _ in 0..<2 {
      let crash = world.kernel.now.advanced(by: .milliseconds(entropy.integer(in: 0...12_000)))
      world.kernel.schedule(at: crash) { world.server.crash() }
      world.kernel.schedule(at: crash.advanced(by: .seconds(1))) { world.server.restart() }
    }
  }

  private static func attempt(
    _ client: SandboxWorld.Client, _ token: String, key: String, deadline: Duration
  ) async throws -> End {
    let context = client.context(deadline)
    do {
      let charge = Charge(orderId: order(1), amount: 1999, currency: "EUR", token: token)
      let result = try await client.provider.charge(charge, idempotencyKey: key, context: context)
      #expect(client.process.clock.now <= context.deadline)
      return .result(result)
    } catch let error as ServiceCallError {
      #expect(client.process.clock.now <= context.deadline)
      return .failed(error.disposition)
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func oneKeyCapturesOnceAndNoCallOutlivesItsDeadline(seed: UInt64) {
    let world = SandboxWorld(seed: seed)
    world.run { client in
      let entropy = client.process.entropy
      Self.damage(world, client.process.host, entropy)
      let tokens = ["tok_ok", "tok_slow", "tok_flaky", "tok_lost", "tok_declined"]
      let charges = (0..<6).map { number in
        (tokens[entropy.integer(in: 0...4)], "key \(number)", Duration.milliseconds(entropy.integer(in: 1...15_000)))
      }
      var ends: [End] = []
      for (token, key, deadline) in charges {
        ends.append(try await Self.attempt(client, token, key: key, deadline: deadline))
      }
      try await client.process.clock.sleep(for: .seconds(60))
      world.network.heal()
      for (index, (token, key, _)) in charges.enumerated() {
        let before = world.store.payments.count
        let final = try await Self.attempt(client, token, key: key, deadline: .seconds(60))
        guard case .result(let result) = final else {
          Issue.record("seed \(seed): \(token) failed on a network without faults: \(final)")
          continue
        }
        switch ends[index] {
        case .result(let first): #expect(result == first && world.store.payments.count == before)
        case .failed(.ambiguous): break
        // What certainly did nothing had captured nothing.
        case .failed: #expect(world.store.payments.count == before + (token == "tok_declined" ? 0 : 1))
        }
      }
      let captures = charges.filter { $0.0 != "tok_declined" }.count
      #expect(world.store.payments.count == captures)
    }
  }
}
