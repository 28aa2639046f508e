import DequeModule
import Seams

/// What the broker's logic wants done for the channels, in this order.
enum BrokerEffect {
  case deliver(channel: Int, tag: String, BrokerDelivery)
  case returned(channel: Int, BrokerReplyCode, String, BrokerPublication)
  case confirm(channel: Int, number: UInt64, isAck: Bool)
  case consumerCancelled(channel: Int, tag: String)
}

/// A channel as the broker sees it: what it was given and has not acknowledged.
final class ChannelLedger {
  struct Held {
    let tag: UInt64
    let queue: ClassicQueue
    let position: UInt64
    /// `nil` after a get.
    let consumer: QueueConsumer?
  }

  let id: Int
  let connection: Int
  /// The number of the message published last.
  var published: UInt64 = 0
  var consumers: [String: ClassicQueue] = [:]
  /// In the order of tags.
  private(set) var held: [Held] = []
  private var lastTag: UInt64 = 0

  init(id: Int, connection: Int) {
    self.id = id
    self.connection = connection
  }

  func hold(_ position: UInt64, of queue: ClassicQueue, for consumer: QueueConsumer?) -> BrokerDeliveryTag {
    lastTag += 1
    held.append(Held(tag: lastTag, queue: queue, position: position, consumer: consumer))
    return BrokerDeliveryTag(lastTag)
  }

  /// Takes out what a word about `tag` covers, oldest first.
  func take(_ tag: UInt64, multiple: Bool) throws(Refusal) -> [Held] {
    if tag == 0, multiple {
      defer { held = [] }
      return held
    }
    guard let index = held.firstIndex(where: { $0.tag == tag }) else {
      throw .precondition("unknown delivery tag \(tag)")
    }
    guard multiple else { return [held.remove(at: index)] }
    defer { held.removeFirst(index + 1) }
    return Array(held[...index])
  }

  func takeAll() -> [Held] {
    defer { held = [] }
    return held
  }
}

/// The broker's logic without network and time of its own: exchanges, queues, channels. Every call says what time it is;
/// what is to be sent is left in ``effects``, what must be looked at later in ``touched``.
///
/// After RabbitMQ 3.10 (`rabbit_channel`, `rabbit_amqqueue_process`, `rabbit_queue_consumers`).
final class VirtualHost {
  var exchanges: [String: Exchange] = [:]
  var queues: [String: ClassicQueue] = [:]
  /// The names of the queues in the order of their declaration, because dictionaries have none.
  var queueNames: [String] = []
  var channels: [Int: ChannelLedger] = [:]
  var effects: [BrokerEffect] = []
  var touched: [ClassicQueue] = []
  /// Queues with something to write at the next sync, and the confirms that wait for it.
  var dirty: [ClassicQueue] = []
  var unsyncedConfirms: [(channel: Int, number: UInt64)] = []
  /// Dead letters on their way: a queue hands them over and goes on, as processes do.
  var dead: Deque<(stored: StoredMessage, queues: [String])> = []
  /// What a dead letter that goes around without end was seen doing; `nil` as long as all of them come to rest.
  var circling: String?
  /// Adds the civil time in seconds to what is dead-lettered.
  let wallSeconds: (Int64) -> Int64
  let maximumMessageSize: Int
  private(set) var generatedNames = 0

  init(maximumMessageSize: Int, wallSeconds: @escaping (Int64) -> Int64) {
    self.maximumMessageSize = maximumMessageSize
    self.wallSeconds = wallSeconds
    for kind in BrokerExchange.Kind.allCases {
      let name = "amq.\(kind.rawValue)"
      exchanges[name] = Exchange(name: name, kind: kind, isDurable: true)
    }
  }

  // MARK: - Look-ups

  func exchange(_ name: String) throws(Refusal) -> Exchange {
    guard let exchange = exchanges[name] else { throw .notFound("exchange", name) }
    return exchange
  }

  /// The queue `name`, which `connection` may use.
  func queue(_ name: String, for connection: Int) throws(Refusal) -> ClassicQueue {
    guard let queue = queues[name] else { throw .notFound("queue", name) }
    if let owner = queue.owner, owner != connection { throw .locked(name) }
    return queue
  }

  func channel(_ id: Int) -> ChannelLedger {
    guard let channel = channels[id] else { preconditionFailure("a frame of a channel that is not open") }
    return channel
  }

  func touch(_ queue: ClassicQueue) {
    if !queue.isDirty, queue.hasUnsaved {
      queue.isDirty = true
      dirty.append(queue)
    }
    guard !queue.isTouched else { return }
    queue.isTouched = true
    touched.append(queue)
  }

  func generateName() -> String {
    generatedNames += 1
    return "amq.gen-\(generatedNames)"
  }

  // MARK: - Requests

  /// Answers a request of a channel.
  ///
  /// - Throws: ``Refusal``, after which the channel must be closed; ``Unsupported``.
  func answer(_ request: BrokerRequest, on id: Int, now: Int64) throws -> BrokerAnswer {
    defer { deliverDead(now: now) }
    let connection = channel(id).connection
    switch request {
    case .declareExchange(let exchange, let passive):
      try declare(exchange, passive: passive)
      return .done
    case .deleteExchange(let name, let ifUnused):
      try deleteExchange(name, ifUnused: ifUnused)
      return .done
    case .declareQueue(let queue, let passive):
      return .queue(try declare(queue, passive: passive, for: connection, now: now))
    case .deleteQueue(let name, let ifUnused, let ifEmpty):
      return .count(try deleteQueue(name, ifUnused: ifUnused, ifEmpty: ifEmpty, for: connection))
    case .purgeQueue(let name):
      let queue = try queue(name, for: connection)
      defer { touch(queue) }
      return .count(queue.purge())
    case .bind(let binding):
      try bind(binding, for: connection)
      return .done
    case .unbind(let binding):
      try unbind(binding, for: connection)
      return .done
    case .consume(let name, let tag, let prefetch, let isExclusive):
      let consumer = QueueConsumer(tag: tag, channel: id, prefetch: prefetch, isExclusive: isExclusive)
      try consume(name, consumer, for: connection, now: now)
      return .done
    case .cancel(let tag):
      cancel(tag, channel(id), now: now)
      return .done
    case .get(let name):
      return .delivery(try get(name, channel(id), now: now))
    }
  }
}
