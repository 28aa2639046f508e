import Logging
import NIOCore
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// A simulated broker, and a session over it on the test's own host.
struct BrokerWorld: Sendable {
  let server: SimulatedRabbitMQServer
  let process: SimulatedProcess

  /// Runs `body` in the simulator and expects it to finish.
  static func run(
    seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation,
    _ configure: (inout SimulatedRabbitMQOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (BrokerWorld) async throws -> Void
  ) {
    var options = SimulatedRabbitMQOptions()
    configure(&options)
    let kernel = SimulationKernel(seed: seed)
    let server = SimulatedRabbitMQServer(
      host: kernel.host("broker"), network: Network(kernel: kernel), options: options)
    let outcome = kernel.run { process in try await body(BrokerWorld(server: server, process: process)) }
    #expect(outcome == .finished, sourceLocation: sourceLocation)
    #expect(kernel.reap().isEmpty, sourceLocation: sourceLocation)
  }

  static let topology = BrokerTopology(
    exchanges: [BrokerExchange("events", .topic)], queues: [BrokerQueue("work")],
    bindings: [BrokerBinding(queue: "work", exchange: "events", routingKey: "#")])

  func session(_ topology: BrokerTopology = topology) -> BrokerSession {
    BrokerSession(
      connector: server.connector(for: process), topology: topology,
      environment: ServiceEnvironment(
        clock: process.clock, wallClock: process.wallClock, entropy: process.entropy,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
  }

  func after(_ duration: Duration) -> MonotonicInstant { process.clock.now.advanced(by: duration) }

  func sleep(_ duration: Duration) async throws { try await process.clock.sleep(for: duration) }

  func event(_ id: String, exchange: String = "events", size: Int = 1) -> BrokerPublication {
    BrokerPublication(
      exchange: exchange, routingKey: "k",
      message: BrokerMessage(body: ByteBuffer(repeating: 0, count: size), messageID: id))
  }

  /// The ids of what is ready in the queue.
  var ready: [String] { server.messages(in: "work").map { $0.messageID ?? "" } }
}

/// Throws unless the two are equal: on the simulated thread a failed `#expect` would read the time.
func demand<Value: Equatable>(_ found: Value, _ expected: Value, line: Int = #line) throws {
  if found != expected { throw Unequal(description: "line \(line): expected \(expected), found \(found)") }
}

private struct Unequal: Error, CustomStringConvertible {
  let description: String
}
