import Seams

/// The broker seam with a planted bug between it and its users.
struct MistakenBroker: BrokerConnector {
  /// What is done wrong.
  enum Mistake: Sendable {
    /// A message that the broker did not take passes for taken.
    case nackTakenForConfirm
    /// A delivery is acknowledged before anybody has handled it.
    case acknowledgedAtOnce
  }

  let base: any BrokerConnector
  let mistake: Mistake

  func connect(deadline: MonotonicInstant) async throws -> any BrokerConnection {
    Connection(base: try await base.connect(deadline: deadline), mistake: mistake)
  }

  private final class Connection: BrokerConnection {
    let base: any BrokerConnection
    let mistake: Mistake

    init(base: any BrokerConnection, mistake: Mistake) {
      self.base = base
      self.mistake = mistake
    }

    var isOpen: Bool { base.isOpen }

    func openChannel(deadline: MonotonicInstant) async throws -> any BrokerChannel {
      Channel(base: try await base.openChannel(deadline: deadline), mistake: mistake)
    }

    func close() { base.close() }
  }

  private final class Channel: BrokerChannel {
    let base: any BrokerChannel
    let mistake: Mistake

    init(base: any BrokerChannel, mistake: Mistake) {
      self.base = base
      self.mistake = mistake
    }

    var isOpen: Bool { base.isOpen }

    func declareExchange(_ exchange: BrokerExchange, passive: Bool, deadline: MonotonicInstant) async throws {
      try await base.declareExchange(exchange, passive: passive, deadline: deadline)
    }

    func deleteExchange(_ name: String, ifUnused: Bool, deadline: MonotonicInstant) async throws {
      try await base.deleteExchange(name, ifUnused: ifUnused, deadline: deadline)
    }

    func declareQueue(
      _ queue: BrokerQueue, passive: Bool, deadline: MonotonicInstant
    ) async throws -> BrokerQueueStatus {
      try await base.declareQueue(queue, passive: passive, deadline: deadline)
    }

    func deleteQueue(
      _ name: String, ifUnused: Bool, ifEmpty: Bool, deadline: MonotonicInstant
    ) async throws -> Int {
      try await base.deleteQueue(name, ifUnused: ifUnused, ifEmpty: ifEmpty, deadline: deadline)
    }

    func purgeQueue(_ name: String, deadline: MonotonicInstant) async throws -> Int {
      try await base.purgeQueue(name, deadline: deadline)
    }

    func bind(_ binding: BrokerBinding, deadline: MonotonicInstant) async throws {
      try await base.bind(binding, deadline: deadline)
    }

    func unbind(_ binding: BrokerBinding, deadline: MonotonicInstant) async throws {
      try await base.unbind(binding, deadline: deadline)
    }

    func publish(
      _ publications: [BrokerPublication], deadline: MonotonicInstant
    ) async throws -> [BrokerPublishOutcome] {
      try await base.publish(publications, deadline: deadline).map { outcome in
        if mistake == .nackTakenForConfirm, case .nacked = outcome { .confirmed } else { outcome }
      }
    }

    func consume(
      _ queue: String, prefetch: Int, isExclusive: Bool, deadline: MonotonicInstant
    ) async throws -> BrokerDeliveries {
      let deliveries = try await base.consume(
        queue, prefetch: prefetch, isExclusive: isExclusive, deadline: deadline)
      guard mistake == .acknowledgedAtOnce else { return deliveries }
      return BrokerDeliveries(
        consumerTag: deliveries.consumerTag, source: HastySource(base: deliveries.makeAsyncIterator(), channel: base))
    }

    func cancel(_ consumerTag: String, deadline: MonotonicInstant) async throws {
      try await base.cancel(consumerTag, deadline: deadline)
    }

    func get(_ queue: String, deadline: MonotonicInstant) async throws -> BrokerDelivery? {
      try await base.get(queue, deadline: deadline)
    }

    func acknowledge(_ tag: BrokerDeliveryTag, multiple: Bool) throws {
      if mistake != .acknowledgedAtOnce { try base.acknowledge(tag, multiple: multiple) }
    }

    func reject(_ tag: BrokerDeliveryTag, multiple: Bool, requeue: Bool) throws {
      try base.reject(tag, multiple: multiple, requeue: requeue)
    }

    func close() { base.close() }
  }

  /// `@unchecked Sendable`: one task asks for deliveries.
  private final class HastySource: BrokerDeliverySource, @unchecked Sendable {
    private var base: BrokerDeliveries.Iterator
    private let channel: any BrokerChannel

    init(base: BrokerDeliveries.Iterator, channel: any BrokerChannel) {
      self.base = base
      self.channel = channel
    }

    func next() async throws -> BrokerDelivery? {
      guard let delivery = try await base.next() else { return nil }
      try channel.acknowledge(delivery.tag)
      return delivery
    }
  }
}
