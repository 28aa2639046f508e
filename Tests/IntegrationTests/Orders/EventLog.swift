import FoundationEssentials
import NIOCore
import RabbitMQ
import Seams
import SeamsLive
import ServiceKit
import Synchronization

/// Reads every event that is published, on a queue of its own that outlives the broker's restart.
///
/// The exchanges and the orders' queue have one name for all tests: a test begins with an empty queue and leaves none.
final class EventLog: Sendable {
  private struct Link {
    var connection: any BrokerConnection
    var channel: any BrokerChannel
  }

  private let broker: LiveBroker
  private let link = Mutex<Link?>(nil)
  private let seen = Mutex<[CloudEvent]>([])
  private let rogue = Mutex<Set<UUID>>([])
  private var queue: String { broker.prefix + "log" }

  static func open() async throws -> EventLog {
    let log = EventLog(broker: try LiveBroker())
    try await log.deleteOrdersQueues()
    let exchanges = [EventTopology.inventoryEvents, EventTopology.ordersEvents]
    try await log.channel().declare(
      BrokerTopology(
        exchanges: exchanges, queues: [BrokerQueue(log.queue)],
        bindings: exchanges.map { BrokerBinding(queue: log.queue, exchange: $0.name, routingKey: "#") }),
      deadline: LiveBroker.soon())
    return log
  }

  private init(broker: LiveBroker) { self.broker = broker }

  func close() async throws {
    try await deleteOrdersQueues()
    try await delete(queue)
    link.withLock(\.self)?.connection.close()
  }

  private func deleteOrdersQueues() async throws {
    for queue in EventTopology.ordersInventoryEvents.topology.queues { try await delete(queue.name) }
  }

  private func delete(_ queue: String) async throws {
    try await channel().deleteQueue(queue, ifUnused: false, ifEmpty: false, deadline: LiveBroker.soon())
  }

  private func channel() async throws -> any BrokerChannel {
    if let channel = link.withLock({ $0?.channel }), channel.isOpen { return channel }
    let connection = try await broker.connector.connect(deadline: LiveBroker.soon())
    let channel = try await connection.openChannel(deadline: LiveBroker.soon())
    link.withLock { $0 = Link(connection: connection, channel: channel) }
    return channel
  }

  /// The events that were published so far, in the order in which they came.
  func events() async throws -> [CloudEvent] {
    let channel = try await channel()
    while let delivery = try await channel.get(queue, deadline: LiveBroker.soon()) {
      try channel.acknowledge(delivery.tag)
      // What is no event was published by a test.
      guard let event = try? CloudEvent(parsing: delivery.message.body) else { continue }
      seen.withLock { $0.append(event) }
    }
    return seen.withLock(\.self)
  }

  /// The events that no service published.
  var foreign: Set<UUID> { rogue.withLock(\.self) }

  /// Publishes a message to whoever listens to the inventory.
  func publish(_ body: ByteBuffer, id: UUID, routingKey: String = "inventory.confirmed") async throws {
    rogue.withLock { _ = $0.insert(id) }
    let message = BrokerMessage(body: body, messageID: id.canonicalText)
    let outcomes = try await channel().publish(
      [
        BrokerPublication(
          exchange: EventTopology.inventoryEvents.name, routingKey: routingKey, message: message, isMandatory: true)
      ], deadline: LiveBroker.soon())
    guard outcomes.allSatisfy(\.isConfirmed) else { throw ConformanceFailure("nobody took the message: \(outcomes)") }
  }

  /// The messages that wait in each of the orders' queues, the dead letters' left out.
  func waiting() async throws -> [(queue: String, count: Int)] {
    let events = EventTopology.ordersInventoryEvents
    var waiting: [(queue: String, count: Int)] = []
    for queue in events.topology.queues where queue.name != events.deadLetterQueue {
      let status = try await channel().declareQueue(queue, passive: true, deadline: LiveBroker.soon())
      waiting.append((queue.name, status.messageCount))
    }
    return waiting
  }

  /// The messages among the orders' dead letters.
  func deadLetters() async throws -> [BrokerMessage] {
    var messages: [BrokerMessage] = []
    let queue = EventTopology.ordersInventoryEvents.deadLetterQueue
    let channel = try await channel()
    while let delivery = try await channel.get(queue, deadline: LiveBroker.soon()) { messages.append(delivery.message) }
    return messages
  }
}
