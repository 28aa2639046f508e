import NIOCore
import Seams

/// What a behaviour of the broker seam runs on: one side's connector and a clock. Names get a prefix, because tests share
/// the live broker.
///
/// Behaviours throw what they find wrong instead of recording it, because under the kernel they run outside of any test's
/// task.
struct BrokerBench: Sendable {
  let connector: any BrokerConnector
  let clock: any MonotonicClock
  let prefix: String

  /// A deadline that only a hang reaches.
  var soon: MonotonicInstant { clock.now.advanced(by: .seconds(30)) }

  func name(_ name: String) -> String { prefix + name }

  func sleep(_ milliseconds: Int) async throws {
    try await clock.sleep(until: clock.now.advanced(by: .milliseconds(milliseconds)), tolerance: nil)
  }

  func connect() async throws -> any BrokerConnection { try await connector.connect(deadline: soon) }

  /// Opens a connection and a channel for `body`, deletes the queues and exchanges of the run, and closes them.
  func run(
    queues: [BrokerQueue] = [], exchanges: [BrokerExchange] = [], bindings: [BrokerBinding] = [],
    _ body: (any BrokerChannel, any BrokerConnection) async throws -> Void
  ) async throws {
    let connection = try await connect()
    defer { connection.close() }
    let topology = BrokerTopology(exchanges: exchanges, queues: queues, bindings: bindings)
    let channel = try await connection.openChannel(deadline: soon)
    try await channel.declare(topology, deadline: soon)
    try await body(channel, connection)
    let cleaner = connection.isOpen ? connection : try await connect()
    defer { cleaner.close() }
    let broom = try await cleaner.openChannel(deadline: soon)
    for queue in queues where !queue.isExclusive {
      _ = try await broom.deleteQueue(queue.name, ifUnused: false, ifEmpty: false, deadline: soon)
    }
    for exchange in exchanges { try await broom.deleteExchange(exchange.name, ifUnused: false, deadline: soon) }
  }

  func queue(_ short: String, _ tune: (inout BrokerQueue) -> Void = { _ in }) -> BrokerQueue {
    var queue = BrokerQueue(name(short))
    tune(&queue)
    return queue
  }

  func message(_ id: String, expiration: Duration? = nil) -> BrokerMessage {
    BrokerMessage(body: ByteBuffer(string: "body of \(id)"), messageID: id, expiration: expiration)
  }

  /// Publishes messages with these ids to a queue, through the default exchange.
  func fill(_ queue: BrokerQueue, _ ids: String..., on channel: any BrokerChannel) async throws {
    let outcomes = try await channel.publish(
      ids.map { BrokerPublication(exchange: "", routingKey: queue.name, message: message($0)) }, deadline: soon)
    try expectTrue(outcomes.allSatisfy(\.isConfirmed), "not every message was confirmed: \(outcomes)")
  }

  /// Gets one message; it stays unacknowledged.
  func get(_ queue: BrokerQueue, _ channel: any BrokerChannel) async throws -> BrokerDelivery {
    guard let delivery = try await channel.get(queue.name, deadline: soon) else {
      throw ConformanceFailure("\(queue.name) is empty")
    }
    return delivery
  }

  /// Gets one message of a queue that fills by itself.
  func await(_ queue: BrokerQueue, _ channel: any BrokerChannel) async throws -> BrokerDelivery {
    let limit = soon
    while clock.now < limit {
      if let delivery = try await channel.get(queue.name, deadline: soon) { return delivery }
      try await sleep(5)
    }
    throw ConformanceFailure("nothing came to \(queue.name)")
  }

  func count(_ queue: BrokerQueue, _ channel: any BrokerChannel) async throws -> Int {
    try await channel.declareQueue(queue, passive: true, deadline: soon).messageCount
  }

  /// The error with which `body` failed.
  func error(_ what: String, line: Int = #line, _ body: () async throws -> Void) async throws -> BrokerError {
    do {
      try await body()
    } catch let error as BrokerError {
      return error
    } catch {
      throw ConformanceFailure("\(what) failed with \(type(of: error)) \(error), not a BrokerError", line: line)
    }
    throw ConformanceFailure("\(what) succeeded and should have failed", line: line)
  }

  /// The reply code and text with which the broker refused `body`, on a channel of its own, which it closes.
  func refusal(
    _ connection: any BrokerConnection, line: Int = #line, _ body: (any BrokerChannel) async throws -> Void
  ) async throws -> BrokerError {
    let channel = try await connection.openChannel(deadline: soon)
    let error = try await error("the request", line: line) { try await body(channel) }
    try expectEqual(error.code, .refused, "the code", line: line)
    try expectTrue(!channel.isOpen, "the channel is still open", line: line)
    return error
  }
}

/// Something that both brokers must do alike.
struct BrokerBehaviour: Sendable, CustomStringConvertible {
  let name: String
  let run: @Sendable (BrokerBench) async throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (BrokerBench) async throws -> Void) {
    self.name = name
    self.run = run
  }

  var description: String { name }
}
