import Seams
import SimulatedNetwork
import SimulatedRabbitMQ
import SimulationKernel
import Testing

extension BrokerBehaviour {
  /// All of what both brokers must do alike.
  static let all = publishing + declaring + consuming + deadLetters
}

@Suite("Live RabbitMQ behaves as the broker seam says")
struct LiveBrokerConformanceTests {
  @Test(arguments: BrokerBehaviour.all)
  func behaves(_ behaviour: BrokerBehaviour) async throws {
    let broker = try LiveBroker()
    try await behaviour.run(BrokerBench(connector: broker.connector, clock: broker.clock, prefix: broker.prefix))
  }
}

@Suite("The simulated RabbitMQ behaves as the broker seam says")
struct SimulatedBrokerConformanceTests {
  @Test(arguments: BrokerBehaviour.all)
  func behaves(_ behaviour: BrokerBehaviour) throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      let kernel = SimulationKernel(seed: seed)
      let server = SimulatedRabbitMQServer(host: kernel.host("broker"), network: Network(kernel: kernel))
      let outcome = kernel.run { process in
        try await behaviour.run(
          BrokerBench(connector: server.connector(for: process), clock: process.clock, prefix: "t-"))
      }
      let left = kernel.reap()
      #expect(outcome == .finished, "seed \(seed)")
      #expect(left == [], "seed \(seed)")
    }
  }
}
