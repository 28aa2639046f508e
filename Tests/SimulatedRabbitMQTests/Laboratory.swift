import NIOCore
import Seams
import SimulatedNetwork
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// A kernel with a broker's host, a network and a client's host, for one test.
struct Laboratory {
  let kernel: SimulationKernel
  let network: Network
  let server: SimulatedRabbitMQServer

  init(seed: UInt64 = 1, _ configure: (inout SimulatedRabbitMQOptions) -> Void = { _ in }) {
    var options = SimulatedRabbitMQOptions()
    configure(&options)
    kernel = SimulationKernel(seed: seed)
    network = Network(kernel: kernel)
    server = SimulatedRabbitMQServer(host: kernel.host("broker"), network: network, options: options)
  }

  /// Runs `body` on a host of its own until it returns, and unwinds the world.
  func run(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable (Client) async throws -> Void
  ) {
    let server = server
    let outcome = kernel.run { process in try await body(Client(process: process, server: server)) }
    #expect(outcome == .finished, sourceLocation: sourceLocation)
    #expect(kernel.reap() == [], sourceLocation: sourceLocation)
  }
}

/// The tests' side.
struct Client: Sendable {
  let process: SimulatedProcess
  let server: SimulatedRabbitMQServer

  var soon: MonotonicInstant { process.clock.now.advanced(by: .seconds(30)) }

  func connect() async throws -> any BrokerConnection {
    try await server.connector(for: process).connect(deadline: soon)
  }

  func channel() async throws -> any BrokerChannel { try await connect().openChannel(deadline: soon) }

  func sleep(_ milliseconds: Int) async throws { try await process.clock.sleep(for: .milliseconds(milliseconds)) }

  func publications(_ queue: String, _ ids: [String], isPersistent: Bool = true) -> [BrokerPublication] {
    ids.map { id in
      BrokerPublication(
        exchange: "", routingKey: queue,
        message: BrokerMessage(body: ByteBuffer(string: id), isPersistent: isPersistent, messageID: id))
    }
  }

  /// The ids of what is ready in a queue.
  func ids(_ queue: String) -> [String] { server.messages(in: queue).map { $0.messageID ?? "?" } }
}

/// What a test found wrong: on the simulated thread a failed `#expect` would read the time, so tests throw.
struct Wrong: Error, CustomStringConvertible {
  let description: String
}

func expectEqual<Value: Equatable>(_ found: Value, _ expected: Value, line: Int = #line) throws {
  if found != expected { throw Wrong(description: "line \(line): expected \(expected), found \(found)") }
}

/// The error with which `body` fails.
func failure(line: Int = #line, _ body: () async throws -> Void) async throws -> BrokerError {
  do {
    try await body()
  } catch let error as BrokerError {
    return error
  }
  throw Wrong(description: "line \(line): it succeeded")
}
