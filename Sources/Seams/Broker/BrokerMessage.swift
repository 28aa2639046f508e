public import NIOCore

/// A message: its body and the properties that travel with it.
public struct BrokerMessage: Sendable, Hashable {
  /// The body, up to the broker's limit (128 MiB by default in RabbitMQ 3.8 and later).
  public var body: ByteBuffer
  /// Whether a durable queue keeps it over the broker's restart.
  public var isPersistent: Bool
  /// The body's media type.
  public var contentType: String?
  /// The publisher's id of the message.
  public var messageID: String?
  /// What it belongs to.
  public var correlationID: String?
  /// How long it may wait in a queue, in whole milliseconds.
  public var expiration: Duration?
  /// The headers. `nil` and an empty table are alike to most readers, not to the broker.
  public var headers: BrokerTable?

  /// A message of `body`.
  public init(
    body: ByteBuffer, isPersistent: Bool = true, contentType: String? = nil, messageID: String? = nil,
    correlationID: String? = nil, expiration: Duration? = nil, headers: BrokerTable? = nil
  ) {
    self.body = body
    self.isPersistent = isPersistent
    self.contentType = contentType
    self.messageID = messageID
    self.correlationID = correlationID
    self.expiration = expiration
    self.headers = headers
  }

  /// How often and where it was dead-lettered; empty when it never was. The first entry is the latest; RabbitMQ 3.10
  /// keeps no order among the others.
  public var deaths: [BrokerDeath] {
    guard case .array(let values)? = headers?["x-death"] else { return [] }
    return values.compactMap { value in
      guard case .table(let table) = value else { return nil }
      return BrokerDeath(table)
    }
  }
}

/// A message, where it goes, and whether it must arrive somewhere.
public struct BrokerPublication: Sendable, Hashable {
  /// The exchange; empty for the default one, which routes to the queue named by the key.
  public var exchange: String
  /// The routing key, at most 255 bytes.
  public var routingKey: String
  /// The message.
  public var message: BrokerMessage
  /// Whether the broker returns it when no queue takes it. Otherwise such a message is dropped and confirmed.
  public var isMandatory: Bool

  /// `message` for `exchange` under `routingKey`.
  public init(exchange: String, routingKey: String, message: BrokerMessage, isMandatory: Bool = false) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.message = message
    self.isMandatory = isMandatory
  }
}

/// What became of a published message.
public enum BrokerPublishOutcome: Sendable {
  /// The broker has taken it: in every queue it was routed to, on disk where that queue and the message are durable.
  case confirmed
  /// It was mandatory and no queue took it: the broker's code and text (312 NO_ROUTE).
  case returned(BrokerReplyCode, String)
  /// The broker could not take it (basic.nack): a full queue with `reject-publish`, or trouble of its own.
  case nacked
  /// There is no answer: see the error's ``BrokerError/disposition``.
  case failed(BrokerError)

  /// Whether the broker has taken it.
  public var isConfirmed: Bool {
    if case .confirmed = self { true } else { false }
  }
}

/// One entry of `x-death`: how often a message was dead-lettered from one queue for one reason.
public struct BrokerDeath: Sendable, Hashable {
  /// Why.
  public var reason: String
  /// From which queue.
  public var queue: String
  /// How often.
  public var count: Int
  /// The exchange that the message had been published to.
  public var exchange: String
  /// The routing keys that it had been published with.
  public var routingKeys: [String]
  /// When it happened first, in seconds since 1970.
  public var time: Int64?
  /// The message's own expiration, which it loses when it is dead-lettered.
  public var originalExpiration: String?

  /// Reads an entry; `nil` when it is none.
  public init?(_ table: BrokerTable) {
    guard case .string(let reason)? = table["reason"], case .string(let queue)? = table["queue"],
      case .int(let count)? = table["count"]
    else { return nil }
    self.reason = reason
    self.queue = queue
    self.count = Int(count)
    exchange = table["exchange"]?.string ?? ""
    if case .array(let keys)? = table["routing-keys"] {
      routingKeys = keys.compactMap(\.string)
    } else {
      routingKeys = []
    }
    if case .timestamp(let time)? = table["time"] { self.time = time }
    originalExpiration = table["original-expiration"]?.string
  }
}
