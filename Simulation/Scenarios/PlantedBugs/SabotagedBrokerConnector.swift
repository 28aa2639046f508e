internal import FoundationEssentials
internal import NIOCore
internal import Seams

/// The broker seam with a planted bug in it.
struct SabotagedBrokerConnector: BrokerConnector {
  private let base: any BrokerConnector
  private let sabotage: Set<PlantedBug.BrokerSabotage>
  private let count: SabotageCount

  /// `base`, with `sabotage` between it and its users.
  init(_ base: any BrokerConnector, sabotage: Set<PlantedBug.BrokerSabotage>, count: SabotageCount) {
    self.base = base
    self.sabotage = sabotage
    self.count = count
  }

  func connect(deadline: MonotonicInstant) async throws -> any BrokerConnection {
    SabotagedBrokerConnection(try await base.connect(deadline: deadline), sabotage, count)
  }
}

/// A connection whose channels are sabotaged.
///
/// `@unchecked Sendable`: it changes nothing of its own.
private final class SabotagedBrokerConnection: BrokerConnection, @unchecked Sendable {
  private let base: any BrokerConnection
  private let sabotage: Set<PlantedBug.BrokerSabotage>
  private let count: SabotageCount

  init(_ base: any BrokerConnection, _ sabotage: Set<PlantedBug.BrokerSabotage>, _ count: SabotageCount) {
    self.base = base
    self.sabotage = sabotage
    self.count = count
  }

  var isOpen: Bool { base.isOpen }

  func openChannel(deadline: MonotonicInstant) async throws -> any BrokerChannel {
    SabotagedBrokerChannel(try await base.openChannel(deadline: deadline), sabotage, count)
  }

  func close() { base.close() }
}

/// A channel whose messages are changed on their way.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
private final class SabotagedBrokerChannel: BrokerChannel, @unchecked Sendable {
  private let base: any BrokerChannel
  private let sabotage: Set<PlantedBug.BrokerSabotage>
  private let count: SabotageCount
  private var published = 0

  init(_ base: any BrokerChannel, _ sabotage: Set<PlantedBug.BrokerSabotage>, _ count: SabotageCount) {
    self.base = base
    self.sabotage = sabotage
    self.count = count
  }

  var isOpen: Bool { base.isOpen }

  func publish(
    _ publications: [BrokerPublication], deadline: MonotonicInstant
  ) async throws -> [BrokerPublishOutcome] {
    var sent = publications
    var isSent = publications.map { _ in true }
    if sabotage.contains(.freshMessageIds) {
      for index in sent.indices {
        published += 1
        let fresh = UUID(high: 0x4000, low: 0x8000_0000_0000_0000 | UInt64(published)).uuidString.lowercased()
        let body = String(buffer: sent[index].message.body)
        guard let id = sent[index].message.messageID, let place = body.firstRange(of: id) else { continue }
        sent[index].message.body = ByteBuffer(string: body.replacingCharacters(in: place, with: fresh))
        count.add()
      }
    }
    if sabotage.contains(.confirmsWithoutSending) {
      for index in sent.indices {
        published += 1
        guard published.isMultiple(of: 10) else { continue }
        isSent[index] = false
        count.add()
      }
    }
    let passed = zip(sent, isSent).filter(\.1).map(\.0)
    var outcomes = try await base.publish(passed, deadline: deadline).makeIterator()
    return isSent.map { $0 ? outcomes.next() ?? .nacked : .confirmed }
  }

  func consume(
    _ queue: String, prefetch: Int, isExclusive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerDeliveries {
    let deliveries = try await base.consume(
      queue, prefetch: prefetch, isExclusive: isExclusive, deadline: deadline)
    guard sabotage.contains(.acknowledgesBeforeHandling) else { return deliveries }
    let source = EarlyAcknowledgements(deliveries.makeAsyncIterator(), base, count)
    return BrokerDeliveries(consumerTag: deliveries.consumerTag, source: source)
  }

  func acknowledge(_ tag: BrokerDeliveryTag, multiple: Bool) throws {
    if sabotage.contains(.acknowledgesBeforeHandling) { return }
    try base.acknowledge(tag, multiple: multiple)
  }

  func reject(_ tag: BrokerDeliveryTag, multiple: Bool, requeue: Bool) throws {
    if sabotage.contains(.acknowledgesBeforeHandling) { return }
    try base.reject(tag, multiple: multiple, requeue: requeue)
  }

  // MARK: What passes as it is

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

  func deleteQueue(_ name: String, ifUnused: Bool, ifEmpty: Bool, deadline: MonotonicInstant) async throws -> Int {
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

  func cancel(_ consumerTag: String, deadline: MonotonicInstant) async throws {
    try await base.cancel(consumerTag, deadline: deadline)
  }

  func get(_ queue: String, deadline: MonotonicInstant) async throws -> BrokerDelivery? {
    try await base.get(queue, deadline: deadline)
  }

  func close() { base.close() }
}

/// Deliveries that are acknowledged as they are handed on.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
private final class EarlyAcknowledgements: BrokerDeliverySource, @unchecked Sendable {
  private var iterator: BrokerDeliveries.Iterator
  private let channel: any BrokerChannel
  private let count: SabotageCount

  init(_ iterator: BrokerDeliveries.Iterator, _ channel: any BrokerChannel, _ count: SabotageCount) {
    self.iterator = iterator
    self.channel = channel
    self.count = count
  }

  func next() async throws -> BrokerDelivery? {
    guard let delivery = try await iterator.next() else { return nil }
    try channel.acknowledge(delivery.tag)
    count.add()
    return delivery
  }
}
