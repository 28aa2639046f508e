import FoundationEssentials
import Logging
import NIOCore
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// A database with an outbox and an inbox, a broker, and hosts that publish and consume between them.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class EventWorld: @unchecked Sendable {
  let kernel: SimulationKernel
  let network: Network
  let database: SimulatedPostgresServer
  let broker: SimulatedRabbitMQServer
  /// Statements are rewritten on their way: a planted bug.
  var rewrite: @Sendable (String) -> String = { $0 }
  /// Channels of a broker with a planted bug.
  var wrap: @Sendable (any BrokerConnector) -> any BrokerConnector = { $0 }
  let queue = EventQueue(
    name: "work", exchange: BrokerExchange("events", .topic), routingKeys: ["thing.#"],
    deadLetterExchange: BrokerExchange("dlx", .direct))
  private(set) var hosts: [SimulatedHost] = []
  /// The handler's runs, by event.
  var runs: [UUID: Int] = [:]

  init(seed: UInt64, _ configure: (inout SimulatedRabbitMQOptions) -> Void = { _ in }) throws {
    var options = SimulatedRabbitMQOptions()
    configure(&options)
    kernel = SimulationKernel(seed: seed)
    network = Network(kernel: kernel)
    database = SimulatedPostgresServer(host: kernel.host("database"), network: network)
    broker = SimulatedRabbitMQServer(host: kernel.host("broker"), network: network, options: options)
    try database.setUp(EventWorld.schema + InboxSchema.up)
  }

  private static let schema = """
    CREATE TABLE subjects (id text PRIMARY KEY, version bigint NOT NULL DEFAULT 0);
    CREATE TABLE outbox (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL, type text NOT NULL,
      subject text NOT NULL, sequence bigint NOT NULL, shard smallint NOT NULL, time timestamptz NOT NULL,
      correlation_id uuid NOT NULL, traceparent text, data json NOT NULL, published_at timestamptz,
      refused_at timestamptz, refusal text);
    CREATE INDEX outbox_unpublished_idx ON outbox (shard, position) WHERE published_at IS NULL AND refused_at IS NULL;
    CREATE TABLE effects (event_id uuid NOT NULL, consumer text NOT NULL);

    """

  /// Runs `body` and expects it to finish.
  func run(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable (EventClient) async throws -> Void
  ) {
    let outcome = outcome(body)
    #expect(outcome == .finished, "seed \(kernel.seed)", sourceLocation: sourceLocation)
  }

  /// Runs `body` and unwinds the world.
  func outcome(_ body: @escaping @Sendable (EventClient) async throws -> Void) -> RunOutcome {
    let outcome = kernel.run { process in try await body(EventClient(world: self, process: process)) }
    #expect(kernel.reap() == [], "seed \(kernel.seed)")
    return outcome
  }

  func sql(_ process: SimulatedProcess) -> any SQLConnector {
    RewritingSQL(base: database.connector(for: process), rewrite: rewrite)
  }

  func pool(_ process: SimulatedProcess) -> SQLPool {
    SQLPool(connector: sql(process), environment: process.quiet, options: SQLPool.Options(size: 6))
  }

  // MARK: - Hosts

  /// What the published events are kept in, besides the consumers' queue.
  static let log = BrokerTopology(
    exchanges: [BrokerExchange("events", .topic)], queues: [BrokerQueue("log")],
    bindings: [BrokerBinding(queue: "log", exchange: "events", routingKey: "#")])

  static let routes = EventRoutes(
    source: "urn:test", exchange: "events", routingKeys: ["Thing": "thing.happened", "Lost": "nobody.listens"])

  func publisher(
    _ process: SimulatedProcess, bell: Doorbell = Doorbell(), routes: EventRoutes = EventWorld.routes,
    topology: BrokerTopology = EventWorld.log, _ configure: (inout OutboxPublisher.Options) -> Void = { _ in }
  ) -> OutboxPublisher {
    var options = OutboxPublisher.Options()
    options.batchSize = 8
    configure(&options)
    return OutboxPublisher(
      pool: pool(process), connector: wrap(broker.connector(for: process)), topology: topology, routes: routes,
      doorbell: bell, environment: process.quiet, options: options)
  }

  /// Boots a host that publishes, and does so again after each crash.
  func bootPublisher(_ name: String, topology: BrokerTopology = EventWorld.log) {
    let host = kernel.host(name)
    hosts.append(host)
    host.boot { process in try await self.publisher(process, topology: topology).run() }
  }

  func consumer(
    _ process: SimulatedProcess, _ configure: (inout InboxConsumer.Options) -> Void = { _ in },
    handler: @escaping @Sendable (CloudEvent, any SQLConnection, MonotonicInstant) async throws -> Void
  ) -> InboxConsumer {
    var options = InboxConsumer.Options()
    configure(&options)
    let name = process.host.name
    return InboxConsumer(
      queue: queue,
      handlers: [
        "Thing": { event, transaction, deadline in
          self.runs[event.id, default: 0] += 1
          try await handler(event, transaction, deadline)
          _ = try await transaction.execute(
            "INSERT INTO effects (event_id, consumer) VALUES (\(event.id), \(name))", deadline: deadline)
        }
      ], pool: pool(process), connector: wrap(broker.connector(for: process)), environment: process.quiet,
      options: options)
  }

  /// Boots a host that consumes, and does so again after each crash.
  func bootConsumer(
    _ name: String, lanes: Int = 1,
    handler: @escaping @Sendable (SimulatedHost, CloudEvent) async throws -> Void = { _, _ in }
  ) {
    let host = kernel.host(name)
    hosts.append(host)
    host.boot { process in
      let consumer = self.consumer(process, { $0.lanes = lanes }) { event, _, _ in try await handler(host, event) }
      try await consumer.run()
    }
  }

  /// Crashes a host and starts it again after a while.
  func bounce(_ host: SimulatedHost, after pause: Duration = .milliseconds(200)) {
    host.crash()
    kernel.schedule(after: pause) { host.restart() }
  }

  // MARK: - What is there

  func rows(_ table: String) -> [SQLRow] { database.committedRows(of: table) }

  /// The events in the log, in the order in which the broker took them.
  var logged: [CloudEvent] {
    get throws { try broker.messages(in: "log").map { try CloudEvent(parsing: $0.body) } }
  }
}

/// The test's own side.
struct EventClient: Sendable {
  let world: EventWorld
  let process: SimulatedProcess

  func after(_ duration: Duration) -> MonotonicInstant { process.clock.now.advanced(by: duration) }

  func sleep(_ duration: Duration) async throws { try await process.clock.sleep(for: duration) }

  /// Waits until `isTrue`, at most some minutes. It looks less and less often: the checkers read everything.
  func wait(until isTrue: () throws -> Bool) async throws {
    var pause = Duration.milliseconds(100)
    while try !isTrue(), pause < .seconds(60) {
      try await sleep(pause)
      pause = pause * 3 / 2
    }
  }

  /// Commits events of random subjects, by several writers, each event under its subject's lock.
  ///
  /// - Parameter ring: called after each commit.
  func write(
    _ count: Int, subjects: Int = 5, pause: ClosedRange<Int> = 0...20, ring: @escaping @Sendable () -> Void = {}
  ) async throws {
    let pool = world.pool(process)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<count / 4 {
            let subject = process.entropy.integer(in: 1...subjects)
            let isGivenUp = process.entropy.integer(in: 1...10) == 1
            try await write(subject: subject, isGivenUp: isGivenUp, pool)
            ring()
            try await sleep(.milliseconds(process.entropy.integer(in: pause)))
          }
        }
      }
      try await group.waitForAll()
    }
    await pool.shutdown(deadline: after(.seconds(5)))
  }

  private struct GivenUp: Error {}

  private func write(subject: Int, isGivenUp: Bool, _ pool: SQLPool) async throws {
    let id = process.entropy.uuid()
    let deadline = after(.seconds(30))
    do {
      try await pool.transaction(deadline: deadline) { connection in
        let row = try await connection.execute(
          """
          INSERT INTO subjects (id, version) VALUES (\("s\(subject)"), 1)
          ON CONFLICT (id) DO UPDATE SET version = subjects.version + 1 RETURNING version
          """, deadline: deadline
        ).rows[0]
        let version: Int = try row.decode("version")
        _ = try await connection.execute(
          EventClient.insert(id, "Thing", "s\(subject)", version, shard: subject % 16), deadline: deadline)
        if isGivenUp { throw GivenUp() }
      }
    } catch is GivenUp {
    } catch is SQLError {
      // Whether it was committed, the table says.
    }
  }

  /// Commits one event.
  func write(_ type: String, _ subject: String, _ sequence: Int, data: String = "{}", shard: Int = 1) async throws {
    let connection = try await world.database.connector(for: process).connect(deadline: after(.seconds(5)))
    defer { connection.close() }
    _ = try await connection.execute(
      EventClient.insert(process.entropy.uuid(), type, subject, sequence, data: data, shard: shard),
      deadline: after(.seconds(5)))
  }

  static func insert(
    _ id: UUID, _ type: String, _ subject: String, _ sequence: Int, data: String = "{\"a\":1}", shard: Int
  ) -> SQLStatement {
    """
    INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
    VALUES (\(id), \(type), \(subject), \(sequence), \(shard), now(), \(id), \(SQLValue.json(data)))
    """
  }

  /// A channel to the broker, with the consumers' queue declared on it.
  func channel() async throws -> any BrokerChannel {
    let connection = try await world.broker.connector(for: process).connect(deadline: after(.seconds(5)))
    let channel = try await connection.openChannel(deadline: after(.seconds(5)))
    try await channel.declare(world.queue.topology, deadline: after(.seconds(5)))
    return channel
  }

  /// Publishes messages to the consumers' queue until all are confirmed; some of them twice, when connections break.
  func publish(_ bodies: [ByteBuffer]) async throws {
    let session = BrokerSession(
      connector: world.broker.connector(for: process), topology: world.queue.topology, environment: process.quiet)
    let publisher = ConfirmingPublisher(session: session)
    var left = bodies.map {
      BrokerPublication(exchange: "events", routingKey: "thing.happened", message: BrokerMessage(body: $0))
    }
    while !left.isEmpty {
      let outcomes = try await publisher.publish(left, deadline: after(.seconds(10)))
      left = zip(left, outcomes).filter { !$1.isConfirmed }.map(\.0)
    }
    session.shutdown()
  }
}

extension SimulatedProcess {
  /// The process's side of the seams, and a log that nobody reads.
  var quiet: ServiceEnvironment {
    ServiceEnvironment(clock: clock, wallClock: wallClock, entropy: entropy, logger: .silent)
  }
}

extension SQLRow {
  subscript(column: String) -> SQLValue {
    guard let index = columns.index(of: column) else { preconditionFailure("there is no column \(column)") }
    return values[index]
  }
}

/// The SQL seam with statements rewritten.
struct RewritingSQL: SQLConnector {
  let base: any SQLConnector
  let rewrite: @Sendable (String) -> String

  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    Connection(base: try await base.connect(deadline: deadline), rewrite: rewrite)
  }

  private final class Connection: SQLConnection {
    let base: any SQLConnection
    let rewrite: @Sendable (String) -> String

    init(base: any SQLConnection, rewrite: @escaping @Sendable (String) -> String) {
      self.base = base
      self.rewrite = rewrite
    }

    var status: SQLConnectionStatus { base.status }

    private func rewritten(_ statement: SQLStatement) -> SQLStatement {
      SQLStatement(trusted: rewrite(statement.text), parameters: statement.parameters)
    }

    func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
      try await base.execute(rewritten(statement), deadline: deadline)
    }

    func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
      try await base.executeBatch(statements.map(rewritten), deadline: deadline)
    }

    func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
      try await base.executeScript(text, deadline: deadline)
    }

    func close() { base.close() }
  }
}
