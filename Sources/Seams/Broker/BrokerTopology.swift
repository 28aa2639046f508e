/// An exchange, as it is declared.
public struct BrokerExchange: Sendable, Hashable {
  /// How an exchange routes.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// To queues bound with the very key.
    case direct
    /// To queues bound with a pattern: words between dots, `*` for one word, `#` for any number.
    case topic
    /// To every bound queue.
    case fanout
  }

  /// The exchange's name.
  public var name: String
  /// How it routes.
  public var kind: Kind
  /// Whether it survives the broker's restart.
  public var isDurable: Bool

  /// The exchange `name` of `kind`.
  public init(_ name: String, _ kind: Kind, isDurable: Bool = true) {
    self.name = name
    self.kind = kind
    self.isDurable = isDurable
  }
}

/// A queue, as it is declared.
public struct BrokerQueue: Sendable, Hashable {
  /// What happens to messages beyond the length limit.
  public enum Overflow: String, Sendable, Hashable {
    /// The oldest are dropped, or dead-lettered: RabbitMQ's default.
    case dropHead = "drop-head"
    /// The new one is refused: its publisher gets a nack.
    case rejectPublish = "reject-publish"
  }

  /// The queue's name; empty lets the broker choose.
  public var name: String
  /// Whether it survives the broker's restart.
  public var isDurable: Bool
  /// Whether only the declaring connection may use it, and it goes when that closes.
  public var isExclusive: Bool
  /// Whether it goes with its last consumer.
  public var isAutoDelete: Bool
  /// RabbitMQ's `x-` arguments; the properties below read and write the usual ones.
  public var arguments: BrokerTable

  /// The queue `name`.
  public init(
    _ name: String, isDurable: Bool = true, isExclusive: Bool = false, isAutoDelete: Bool = false,
    arguments: BrokerTable = [:]
  ) {
    self.name = name
    self.isDurable = isDurable
    self.isExclusive = isExclusive
    self.isAutoDelete = isAutoDelete
    self.arguments = arguments
  }

  /// `x-message-ttl`: how long a message may wait. Whole milliseconds.
  public var messageTTL: Duration? {
    get { milliseconds("x-message-ttl") }
    set { arguments["x-message-ttl"] = newValue.map(BrokerQueue.value) }
  }

  /// `x-expires`: how long the queue may be unused before it goes. Whole milliseconds.
  public var expires: Duration? {
    get { milliseconds("x-expires") }
    set { arguments["x-expires"] = newValue.map(BrokerQueue.value) }
  }

  /// `x-max-length`: how many messages may be ready.
  public var maximumLength: Int? {
    get { arguments["x-max-length"]?.int.map { Int($0) } }
    set { arguments["x-max-length"] = newValue.map { .int(Int64($0)) } }
  }

  /// `x-overflow`: what happens beyond ``maximumLength``.
  public var overflow: Overflow? {
    get { arguments["x-overflow"]?.string.flatMap(Overflow.init) }
    set { arguments["x-overflow"] = newValue.map { .string($0.rawValue) } }
  }

  /// `x-dead-letter-exchange`: where messages go that expire, are refused or do not fit.
  public var deadLetterExchange: String? {
    get { arguments["x-dead-letter-exchange"]?.string }
    set { arguments["x-dead-letter-exchange"] = newValue.map { .string($0) } }
  }

  /// `x-dead-letter-routing-key`: the key under which they go there, in the place of their own.
  public var deadLetterRoutingKey: String? {
    get { arguments["x-dead-letter-routing-key"]?.string }
    set { arguments["x-dead-letter-routing-key"] = newValue.map { .string($0) } }
  }

  private func milliseconds(_ name: String) -> Duration? {
    arguments[name]?.int.map { .milliseconds($0) }
  }

  private static func value(_ duration: Duration) -> BrokerValue {
    .int(duration.nanosecondsClamped / 1_000_000)
  }
}

/// A queue's tie to an exchange.
public struct BrokerBinding: Sendable, Hashable {
  /// The queue's name.
  public var queue: String
  /// The exchange's name.
  public var exchange: String
  /// The key, or the pattern.
  public var routingKey: String

  /// Binds `queue` to `exchange` under `routingKey`.
  public init(queue: String, exchange: String, routingKey: String) {
    self.queue = queue
    self.exchange = exchange
    self.routingKey = routingKey
  }
}

/// What the broker says of a queue.
public struct BrokerQueueStatus: Sendable, Hashable {
  /// Its name, chosen by the broker where the declaration's was empty.
  public var name: String
  /// Messages that are ready.
  public var messageCount: Int
  /// Its consumers.
  public var consumerCount: Int

  /// A status.
  public init(name: String, messageCount: Int, consumerCount: Int) {
    self.name = name
    self.messageCount = messageCount
    self.consumerCount = consumerCount
  }
}

/// What must be there before a program can work: declared as a whole, and again after every reconnect.
public struct BrokerTopology: Sendable, Hashable {
  /// The exchanges.
  public var exchanges: [BrokerExchange]
  /// The queues.
  public var queues: [BrokerQueue]
  /// The bindings.
  public var bindings: [BrokerBinding]

  /// A topology of the given parts.
  public init(exchanges: [BrokerExchange] = [], queues: [BrokerQueue] = [], bindings: [BrokerBinding] = []) {
    self.exchanges = exchanges
    self.queues = queues
    self.bindings = bindings
  }

  /// Both topologies' parts, each once.
  public func merged(with other: BrokerTopology) -> BrokerTopology {
    func union<Part: Hashable>(_ left: [Part], _ right: [Part]) -> [Part] {
      var seen = Set(left)
      return left + right.filter { seen.insert($0).inserted }
    }
    return BrokerTopology(
      exchanges: union(exchanges, other.exchanges), queues: union(queues, other.queues),
      bindings: union(bindings, other.bindings))
  }
}

extension BrokerChannel {
  /// Declares a whole topology: exchanges, queues, then bindings.
  ///
  /// - Throws: ``BrokerError`` of the first part that the broker refuses, which closes the channel.
  public func declare(_ topology: BrokerTopology, deadline: MonotonicInstant) async throws {
    for exchange in topology.exchanges { try await declareExchange(exchange, passive: false, deadline: deadline) }
    for queue in topology.queues { _ = try await declareQueue(queue, passive: false, deadline: deadline) }
    for binding in topology.bindings { try await bind(binding, deadline: deadline) }
  }
}
