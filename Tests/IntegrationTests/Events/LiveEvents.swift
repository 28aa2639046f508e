import FoundationEssentials
import NIOCore
import Postgres
import RabbitMQ
import Seams
import SeamsLive
import ServiceKit

/// A database with an outbox and an inbox, and an exchange and a queue of a test's own on the shared broker.
struct LiveEvents: Sendable {
  let database: LiveDatabase
  let broker: LiveBroker
  let queue: EventQueue
  let pool: SQLPool

  /// Runs `body`, and deletes what it declared.
  static func with(
    retryDelays: [Duration] = [.milliseconds(30), .milliseconds(60)],
    _ body: (LiveEvents) async throws -> Void
  ) async throws {
    try await LiveDatabase.with { database in
      let broker = try LiveBroker()
      try await database.migrate()
      let connection = try await database.connector.connect(deadline: LiveDatabase.soon())
      let tables = InboxSchema.up + "CREATE TABLE effects (event_id uuid NOT NULL);"
      try await connection.executeScript(tables, deadline: LiveDatabase.soon())
      connection.close()
      let queue = EventQueue(
        name: broker.prefix + "work", exchange: BrokerExchange(broker.prefix + "events", .topic),
        routingKeys: ["thing.#"], deadLetterExchange: BrokerExchange(broker.prefix + "dlx", .direct),
        retryDelays: retryDelays)
      let pool = SQLPool(connector: database.connector, environment: .live, options: SQLPool.Options(size: 10))
      let events = LiveEvents(database: database, broker: broker, queue: queue, pool: pool)
      let outcome: Result<Void, any Error>
      do {
        outcome = .success(try await body(events))
      } catch {
        outcome = .failure(error)
      }
      await pool.shutdown(deadline: LiveDatabase.soon())
      try await events.remove()
      try outcome.get()
    }
  }

  private func remove() async throws {
    let channel = try await channel()
    for queue in queue.topology.queues {
      _ = try await channel.deleteQueue(queue.name, ifUnused: false, ifEmpty: false, deadline: LiveBroker.soon())
    }
    for exchange in queue.topology.exchanges {
      try await channel.deleteExchange(exchange.name, ifUnused: false, deadline: LiveBroker.soon())
    }
  }

  func channel() async throws -> any BrokerChannel {
    try await broker.connector.connect(deadline: LiveBroker.soon()).openChannel(deadline: LiveBroker.soon())
  }

  func publisher(isMandatory: Bool = false) -> OutboxPublisher {
    OutboxPublisher(
      pool: pool, connector: broker.connector, topology: queue.topology,
      routes: EventRoutes(
        source: "urn:test", exchange: queue.exchange.name,
        routingKeys: ["Thing": "thing.happened", "Lost": "nobody.listens"], isMandatory: isMandatory),
      doorbell: Doorbell(), environment: .live)
  }

  func consumer(
    lanes: Int = 1, _ handler: @escaping @Sendable (CloudEvent) async throws -> Void = { _ in }
  ) -> InboxConsumer {
    var options = InboxConsumer.Options()
    options.lanes = lanes
    return InboxConsumer(
      queue: queue,
      handlers: [
        "Thing": { event, transaction, deadline in
          try await handler(event)
          _ = try await transaction.execute(
            "INSERT INTO effects (event_id) VALUES (\(event.id))", deadline: deadline)
        }
      ], pool: pool, connector: broker.connector, environment: .live, options: options)
  }

  /// Commits an event of `subject`.
  @discardableResult
  func write(_ type: String, _ subject: String, _ sequence: Int) async throws -> UUID {
    let id = SystemEntropy().uuid()
    try await database.rows(
      """
      INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
      VALUES (\(id), \(type), \(subject), \(sequence), \(sequence % 16), now(), \(id), '{}')
      """)
    return id
  }

  /// Publishes messages to the consumers' queue.
  func send(_ bodies: [ByteBuffer]) async throws {
    let channel = try await channel()
    try await channel.declare(queue.topology, deadline: LiveBroker.soon())
    let outcomes = try await channel.publish(
      bodies.map {
        BrokerPublication(
          exchange: queue.exchange.name, routingKey: "thing.happened", message: BrokerMessage(body: $0))
      }, deadline: LiveBroker.soon())
    guard outcomes.allSatisfy(\.isConfirmed) else { throw ConformanceFailure("a message was not taken") }
  }

  /// Everything that is in a queue.
  func drain(_ name: String) async throws -> [BrokerDelivery] {
    let channel = try await channel()
    var deliveries: [BrokerDelivery] = []
    while let delivery = try await channel.get(name, deadline: LiveBroker.soon()) { deliveries.append(delivery) }
    return deliveries
  }

  /// Waits until `statement` answers `count`.
  func until(_ statement: SQLStatement, is count: Int) async throws {
    let deadline = LiveDatabase.soon()
    while try await database.count(statement) != count {
      guard SystemMonotonicClock().now < deadline else {
        throw ConformanceFailure("\(statement.text) is \(try await database.count(statement)), not \(count)")
      }
    }
  }
}
