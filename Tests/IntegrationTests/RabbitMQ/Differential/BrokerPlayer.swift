import NIOCore
import Seams
import Synchronization

/// Plays steps on one side, live or simulated, through the seam alone.
///
/// Three channels on two connections; a third connection looks at the queues.
final class BrokerPlayer: Sendable {
  private struct Client {
    var connection: any BrokerConnection
    var channel: any BrokerChannel
    var consumers: [BrokerDeliveries] = []
    /// Deliveries that are not settled, as this side knows.
    var held: [UInt64] = []
  }

  private struct State {
    var clients: [Client] = []
    var arrived: [(order: String, text: String)] = []
  }

  private let connector: any BrokerConnector
  private let clock: any MonotonicClock
  private let names: BrokerNames
  /// Runs a reader of deliveries beside everything else.
  private let spawn: @Sendable (@escaping @Sendable () async -> Void) -> Void
  /// Lets everything that is on its way arrive.
  private let settle: @Sendable () async throws -> Void
  private let state = Mutex(State())
  private let monitor = Mutex<(connection: (any BrokerConnection)?, channel: (any BrokerChannel)?)>((nil, nil))

  init(
    connector: any BrokerConnector, clock: any MonotonicClock, prefix: String,
    spawn: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Void,
    settle: @escaping @Sendable () async throws -> Void
  ) {
    self.connector = connector
    self.clock = clock
    names = BrokerNames(prefix: prefix)
    self.spawn = spawn
    self.settle = settle
  }

  private var soon: MonotonicInstant { clock.now.advanced(by: .seconds(30)) }

  func start(_ topology: BrokerTopology) async throws {
    let first = try await connector.connect(deadline: soon)
    let second = try await connector.connect(deadline: soon)
    for connection in [first, first, second] {
      let channel = try await connection.openChannel(deadline: soon)
      state.withLock { $0.clients.append(Client(connection: connection, channel: channel)) }
    }
    let third = try await connector.connect(deadline: soon)
    let channel = try await third.openChannel(deadline: soon)
    monitor.withLock { $0 = (third, channel) }
    try await channel.declare(names.full(topology), deadline: soon)
  }

  /// Deletes what the run may have left, and closes everything.
  func stop(_ topology: BrokerTopology) async throws {
    for queue in topology.queues {
      do {
        _ = try await monitorChannel().deleteQueue(
          names.full(queue.name), ifUnused: false, ifEmpty: false, deadline: soon)
      } catch let error as BrokerError where error.replyCode == .resourceLocked {
        // Exclusive: it goes with the connection that declared it.
      }
    }
    for exchange in topology.exchanges {
      try await monitorChannel().deleteExchange(names.full(exchange.name), ifUnused: false, deadline: soon)
    }
    let clients = state.withLock { $0.clients }
    for client in clients { client.connection.close() }
    monitor.withLock { $0.connection }?.close()
  }

  /// What the generator may know: which channels are open, how many consumers each started, what each holds.
  var situation: [(isOpen: Bool, consumers: Int, held: [UInt64])] {
    state.withLock { $0.clients.map { ($0.channel.isOpen, $0.consumers.count, $0.held) } }
  }

  /// Plays one step.
  ///
  /// - Parameter beforeLook: runs before the last look at the queues, once everything is quiet.
  func play(
    _ step: BrokerStep, _ topology: BrokerTopology, beforeLook: () async throws -> Void
  ) async throws -> BrokerObservation {
    var observation = BrokerObservation()
    observation.outcome = try await outcome(of: step)
    // Twice, because what is dead-lettered reaches another queue.
    for _ in 0..<2 {
      _ = try await look(topology)
      try await settle()
    }
    try await beforeLook()
    observation.queues = try await look(topology)
    try await settle()
    let (arrived, isOpen) = state.withLock { state in
      defer { state.arrived = [] }
      return (state.arrived, state.clients.map(\.channel.isOpen))
    }
    // Consumers are read by tasks of their own: only the order at each one means something.
    var byConsumer: [String: [String]] = [:]
    for entry in arrived { byConsumer[entry.order, default: []].append(entry.text) }
    observation.deliveries = byConsumer.sorted { $0.key < $1.key }.map { consumer, texts in
      "\(consumer): \(texts.joined(separator: " "))"
    }
    observation.openChannels = isOpen
    return observation
  }

  // MARK: - Steps

  private func outcome(of step: BrokerStep) async throws -> String {
    do {
      return try await perform(step)
    } catch let error as BrokerError {
      let reply = error.replyCode.map { " \($0)" } ?? ""
      let text = error.code == .refused ? ": \(error.message)" : ""
      return names.short("\(error.code)\(reply)\(text)")
    }
  }

  private func perform(_ step: BrokerStep) async throws -> String {
    switch step {
    case .publish(let client, let messages):
      let outcomes = try await channel(client).publish(messages.map(publication), deadline: soon)
      return names.short(outcomes.map(BrokerPlayer.text).joined(separator: " "))
    case .get(let client, let queue):
      guard let delivery = try await channel(client).get(names.full(queue), deadline: soon) else { return "empty" }
      hold(delivery.tag.number, client)
      return "got \(text(delivery)), \(delivery.remaining ?? -1) left"
    case .consume(let client, let queue, let prefetch, let isExclusive):
      let deliveries = try await channel(client).consume(
        names.full(queue), prefetch: prefetch, isExclusive: isExclusive, deadline: soon)
      read(deliveries, client)
      return "consuming"
    case .cancel(let client, let consumer):
      let deliveries = state.withLock { state in
        consumer < state.clients[client].consumers.count ? state.clients[client].consumers[consumer] : nil
      }
      guard let deliveries else { return "no such consumer" }
      try await channel(client).cancel(deliveries.consumerTag, deadline: soon)
      return "cancelled"
    case .acknowledge(let client, let tag, let multiple):
      try channel(client).acknowledge(BrokerDeliveryTag(tag), multiple: multiple)
      return try await settled(client, tag, multiple)
    case .reject(let client, let tag, let multiple, let requeue):
      try channel(client).reject(BrokerDeliveryTag(tag), multiple: multiple, requeue: requeue)
      return try await settled(client, tag, multiple)
    case .close(let client):
      channel(client).close()
      return "closed"
    case .reopen(let client):
      let connection = state.withLock { $0.clients[client].connection }
      let channel = try await connection.openChannel(deadline: soon)
      state.withLock { $0.clients[client] = Client(connection: connection, channel: channel) }
      return "open"
    case .wait(let milliseconds):
      try await clock.sleep(until: clock.now.advanced(by: .milliseconds(milliseconds)), tolerance: nil)
      return "waited"
    default: return try await declare(step)
    }
  }

  private func declare(_ step: BrokerStep) async throws -> String {
    switch step {
    case .declareQueue(let client, let queue, let passive):
      let status = try await channel(client).declareQueue(names.full(queue), passive: passive, deadline: soon)
      return "\(status.messageCount) messages, \(status.consumerCount) consumers"
    case .declareExchange(let client, let exchange):
      try await channel(client).declareExchange(names.full(exchange), passive: false, deadline: soon)
      return "declared"
    case .purge(let client, let queue):
      return "\(try await channel(client).purgeQueue(names.full(queue), deadline: soon)) purged"
    case .delete(let client, let queue, let ifUnused, let ifEmpty):
      let count = try await channel(client).deleteQueue(
        names.full(queue), ifUnused: ifUnused, ifEmpty: ifEmpty, deadline: soon)
      return "deleted with \(count)"
    case .bind(let client, let binding):
      try await channel(client).bind(names.full(binding), deadline: soon)
      return "bound"
    case .unbind(let client, let binding):
      try await channel(client).unbind(names.full(binding), deadline: soon)
      return "unbound"
    default: preconditionFailure("the step is no declaration")
    }
  }

  /// Nobody answers an acknowledgement: a question on the same channel shows whether it was refused. The refusal may come
  /// before the question is asked or as its answer.
  private func settled(_ client: Int, _ tag: UInt64, _ multiple: Bool) async throws -> String {
    state.withLock { state in
      state.clients[client].held.removeAll { $0 == tag || (multiple && ($0 < tag || tag == 0)) }
    }
    do {
      try await channel(client).declareExchange(BrokerExchange("amq.topic", .topic), passive: true, deadline: soon)
      return "settled"
    } catch let error as BrokerError {
      guard let reply = error.replyCode else { throw error }
      return "refused \(reply)"
    }
  }

  private func channel(_ client: Int) -> any BrokerChannel { state.withLock { $0.clients[client].channel } }

  private func hold(_ tag: UInt64, _ client: Int) { state.withLock { $0.clients[client].held.append(tag) } }

  private func read(_ deliveries: BrokerDeliveries, _ client: Int) {
    let (number, channel) = state.withLock { state in
      state.clients[client].consumers.append(deliveries)
      return (state.clients[client].consumers.count - 1, state.clients[client].channel)
    }
    spawn { [self] in
      let order = "c\(client)/\(number)"
      do {
        for try await delivery in deliveries {
          let text = text(delivery)
          state.withLock { state in
            state.arrived.append((order, text))
            if state.clients[client].channel === channel { state.clients[client].held.append(delivery.tag.number) }
          }
        }
        state.withLock { $0.arrived.append((order, "end")) }
      } catch {
        let code = (error as? BrokerError)?.code.description ?? "\(error)"
        state.withLock { $0.arrived.append((order, "broke: \(code)")) }
      }
    }
  }

  // MARK: - Texts

  private func publication(_ message: StepMessage) -> BrokerPublication {
    let body = BrokerMessage(
      body: ByteBuffer(string: "body \(message.number)"), isPersistent: message.isPersistent,
      messageID: "m\(message.number)", expiration: message.expiration.map { .milliseconds($0) })
    return BrokerPublication(
      exchange: names.full(message.exchange), routingKey: names.key(message.exchange, message.routingKey),
      message: body, isMandatory: message.isMandatory)
  }

  private static func text(_ outcome: BrokerPublishOutcome) -> String {
    switch outcome {
    case .confirmed: "confirmed"
    case .returned(let code, let text): "returned(\(code) \(text))"
    case .nacked: "nacked"
    case .failed(let error): "failed(\(error.code) \(error.replyCode?.description ?? "") \(error.message))"
    }
  }

  private func text(_ delivery: BrokerDelivery) -> String {
    let deaths = delivery.message.deaths.map { death in
      "\(death.reason)×\(death.count)@\(death.queue) from '\(death.exchange)' \(death.routingKeys) "
        + (death.originalExpiration ?? "")
    }
    let headers = delivery.message.headers?.entries.map(\.name).joined(separator: ",") ?? "none"
    let first = delivery.message.headers?["x-first-death-queue"]?.string ?? ""
    return names.short(
      "\(delivery.message.messageID ?? "?")#\(delivery.tag)\(delivery.isRedelivered ? "!" : "") "
        + "'\(delivery.exchange)' '\(delivery.routingKey)' [\(deaths.joined(separator: "; "))] \(headers) \(first)")
  }

  // MARK: - Looking at the queues

  private func monitorChannel() async throws -> any BrokerChannel {
    let (connection, channel) = monitor.withLock { $0 }
    if let channel, channel.isOpen { return channel }
    guard let connection else { preconditionFailure("the monitor is not connected") }
    let opened = try await connection.openChannel(deadline: soon)
    monitor.withLock { $0.channel = opened }
    return opened
  }

  /// How the queues stand. Every channel asks something afterwards, so that what the queues sent it before has arrived.
  private func look(_ topology: BrokerTopology) async throws -> [String] {
    var lines: [String] = []
    for queue in topology.queues {
      do {
        let status = try await monitorChannel().declareQueue(names.full(queue), passive: true, deadline: soon)
        lines.append("\(queue.name) \(status.messageCount)/\(status.consumerCount)")
      } catch let error as BrokerError {
        lines.append("\(queue.name) \(error.replyCode?.description ?? "?")")
      }
    }
    for client in 0..<3 where channel(client).isOpen {
      _ = try? await channel(client).declareExchange(
        BrokerExchange("amq.topic", .topic), passive: true, deadline: soon)
    }
    return lines
  }
}

/// Puts the run's prefix before names, and takes it off texts.
struct BrokerNames: Sendable {
  let prefix: String

  func full(_ name: String) -> String { name.isEmpty || name.hasPrefix("amq.") ? name : prefix + name }

  /// The default exchange routes by queue names.
  func key(_ exchange: String, _ key: String) -> String { exchange.isEmpty ? full(key) : key }

  func full(_ exchange: BrokerExchange) -> BrokerExchange {
    BrokerExchange(full(exchange.name), exchange.kind, isDurable: exchange.isDurable)
  }

  func full(_ queue: BrokerQueue) -> BrokerQueue {
    var queue = queue
    queue.name = full(queue.name)
    if let exchange = queue.deadLetterExchange {
      if exchange.isEmpty, let key = queue.deadLetterRoutingKey { queue.deadLetterRoutingKey = full(key) }
      queue.deadLetterExchange = full(exchange)
    }
    return queue
  }

  func full(_ binding: BrokerBinding) -> BrokerBinding {
    BrokerBinding(
      queue: full(binding.queue), exchange: full(binding.exchange), routingKey: binding.routingKey)
  }

  func full(_ topology: BrokerTopology) -> BrokerTopology {
    BrokerTopology(
      exchanges: topology.exchanges.map(full), queues: topology.queues.map(full),
      bindings: topology.bindings.map(full))
  }

  func short(_ text: String) -> String {
    var out = text[...]
    var result = ""
    while let range = out.firstRange(of: prefix) {
      result += out[..<range.lowerBound]
      out = out[range.upperBound...]
    }
    return result + out
  }
}
