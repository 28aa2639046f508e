import Seams

/// A message as the broker keeps it.
struct StoredMessage: Hashable {
  /// The exchange it was published to, or dead-lettered to.
  var exchange: String
  var routingKey: String
  var message: BrokerMessage
}

/// A message in its place in one queue.
struct QueuedMessage {
  /// Its number in the queue: it keeps it when it comes back.
  let position: UInt64
  var stored: StoredMessage
  /// When it expires, nanoseconds of virtual time.
  var expiry: Int64?
  /// Whether it has been delivered before.
  var wasDelivered = false
}

/// A consumer of a queue.
final class QueueConsumer {
  let tag: String
  let channel: Int
  let isExclusive: Bool
  /// How many more deliveries it may have unacknowledged.
  var credit: Int

  init(tag: String, channel: Int, prefetch: Int, isExclusive: Bool) {
    self.tag = tag
    self.channel = channel
    self.isExclusive = isExclusive
    credit = prefetch
  }
}
