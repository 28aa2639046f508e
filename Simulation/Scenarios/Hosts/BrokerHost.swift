internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import NIOCore
internal import Seams
internal import ServiceKit
internal import SimulatedRabbitMQ
internal import SimulationKernel

/// The broker on its host, faulty on demand, with a queue that takes every event.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class BrokerHost: FaultableBroker, @unchecked Sendable {
  let host: SimulatedHost
  let server: SimulatedRabbitMQServer

  /// The queue that takes every event of both services.
  private static let audit = "audit"
  private static let auditTopology = BrokerTopology(
    exchanges: [EventTopology.inventoryEvents, EventTopology.ordersEvents], queues: [BrokerQueue(audit)],
    bindings: [
      BrokerBinding(queue: audit, exchange: EventTopology.inventoryEvents.name, routingKey: "#"),
      BrokerBinding(queue: audit, exchange: EventTopology.ordersEvents.name, routingKey: "#"),
    ])

  /// A broker without queues.
  init(_ world: World) {
    host = world.kernel.host("rabbitmq")
    server = SimulatedRabbitMQServer(host: host, network: world.network)
  }

  /// Declares the queue that takes every event: before the first one is published.
  func declareAudit(on process: SimulatedProcess) async throws {
    let deadline = process.clock.now.advanced(by: .seconds(10))
    let connection = try await server.connector(for: process).connect(deadline: deadline)
    defer { connection.close() }
    let channel = try await connection.openChannel(deadline: deadline)
    let topology = Self.auditTopology
    for exchange in topology.exchanges {
      try await channel.declareExchange(exchange, passive: false, deadline: deadline)
    }
    for queue in topology.queues { _ = try await channel.declareQueue(queue, passive: false, deadline: deadline) }
    for binding in topology.bindings { try await channel.bind(binding, deadline: deadline) }
  }

  /// Publishes a message to the inventory's events that is none of the inventory's.
  func publish(_ body: String, id: UUID, routingKey: String, on process: SimulatedProcess) async throws {
    let deadline = process.clock.now.advanced(by: .seconds(10))
    let connection = try await server.connector(for: process).connect(deadline: deadline)
    defer { connection.close() }
    let channel = try await connection.openChannel(deadline: deadline)
    let message = BrokerMessage(body: ByteBuffer(string: body), messageID: id.canonicalText)
    _ = try await channel.publish(
      BrokerPublication(exchange: EventTopology.inventoryEvents.name, routingKey: routingKey, message: message),
      deadline: deadline)
  }

  /// The events that were published, in the order of their arrival; some more than once. What is no event is left out.
  var published: [PublishedEvent] {
    server.messages(in: Self.audit).compactMap { message in
      (try? CloudEvent(parsing: message.body)).map {
        PublishedEvent(id: $0.id, type: $0.type, subject: $0.subject ?? "", sequence: $0.sequence ?? 0)
      }
    }
  }

  /// The messages in the queues that consumers empty, by queue.
  var waiting: [(queue: String, count: Int)] {
    server.queueLengths.filter { $0.name != Self.audit && !$0.name.hasSuffix(".dlq") }.map {
      ($0.name, $0.ready + $0.unacknowledged)
    }
  }

  // MARK: Faults

  func setRate(of fault: BrokerFault, to share: Double) {
    switch fault {
    case .refused: server.faults.refuseConnections = share
    case .connectionLost: server.faults.loseConnection = share
    case .confirmLost: server.faults.loseConfirms = share
    case .nacked: server.faults.nackPublishes = share
    case .slowRequest: server.faults.slowRequests = share
    }
  }

  func count(of fault: BrokerFault) -> Int {
    let counted: [RabbitMQFault] =
      switch fault {
      case .refused: [.connectionRefused]
      case .connectionLost: [.connectionLostBefore, .connectionLostAfter]
      case .confirmLost: [.confirmLost]
      case .nacked: [.publishNacked]
      case .slowRequest: [.slowRequest]
      }
    return server.faultCounts.filter { counted.contains($0.fault) }.reduce(0) { $0 + $1.count }
  }

  func crash(_ kind: SimulatedHost.CrashKind) { host.crash(kind) }

  func restart() { server.restart() }
}
