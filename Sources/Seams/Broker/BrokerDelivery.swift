/// Names a delivery on its channel, and there only.
public struct BrokerDeliveryTag: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number, from 1 for each channel. 0 with `multiple` means every delivery so far.
  public var number: UInt64

  /// The tag `number`.
  public init(_ number: UInt64) { self.number = number }

  /// The number, in digits.
  public var description: String { String(number) }

  /// Whether `left` was delivered before `right` on their channel.
  public static func < (left: BrokerDeliveryTag, right: BrokerDeliveryTag) -> Bool { left.number < right.number }
}

/// A message that the broker handed over, until it is acknowledged or refused.
public struct BrokerDelivery: Sendable, Hashable {
  /// What ``BrokerChannel/acknowledge(_:multiple:)`` wants.
  public var tag: BrokerDeliveryTag
  /// The exchange it was published to, or dead-lettered to.
  public var exchange: String
  /// The routing key it was published with, or dead-lettered with.
  public var routingKey: String
  /// Whether it may have been delivered before. `false` is certain, `true` is not.
  public var isRedelivered: Bool
  /// The message.
  public var message: BrokerMessage
  /// After ``BrokerChannel/get(_:deadline:)``: how many messages are left in the queue.
  public var remaining: Int?

  /// A delivery.
  public init(
    tag: BrokerDeliveryTag, exchange: String, routingKey: String, isRedelivered: Bool, message: BrokerMessage,
    remaining: Int? = nil
  ) {
    self.tag = tag
    self.exchange = exchange
    self.routingKey = routingKey
    self.isRedelivered = isRedelivered
    self.message = message
    self.remaining = remaining
  }
}

/// Where a consumer's deliveries come from: the driver's side of ``BrokerDeliveries``.
public protocol BrokerDeliverySource: AnyObject, Sendable {
  /// The next delivery, `nil` once the consumer was cancelled. One caller at a time.
  ///
  /// - Throws: ``BrokerError`` when the channel or connection broke, or the broker ended the consumer;
  ///   `CancellationError`.
  func next() async throws -> BrokerDelivery?
}

/// The deliveries of one consumer, in the broker's order.
///
/// At most the consumer's prefetch wait in memory: the broker holds the rest back until some are acknowledged.
public struct BrokerDeliveries: AsyncSequence, Sendable {
  /// The consumer, for ``BrokerChannel/cancel(_:deadline:)``.
  public let consumerTag: String
  private let source: any BrokerDeliverySource

  /// The deliveries of `source`.
  public init(consumerTag: String, source: any BrokerDeliverySource) {
    self.consumerTag = consumerTag
    self.source = source
  }

  /// An iterator that takes the deliveries as they come.
  public func makeAsyncIterator() -> Iterator { Iterator(source: source) }

  /// Asks for one delivery after the other.
  public struct Iterator: AsyncIteratorProtocol {
    let source: any BrokerDeliverySource

    /// The next delivery, `nil` when the consumer was cancelled.
    ///
    /// - Throws: ``BrokerError`` when the channel or the connection ended.
    public mutating func next() async throws -> BrokerDelivery? { try await source.next() }

    /// As ``next()``, on the caller's actor.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(any Error) -> BrokerDelivery? {
      try await source.next()
    }
  }
}
