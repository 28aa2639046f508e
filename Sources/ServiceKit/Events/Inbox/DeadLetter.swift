internal import Crypto
internal import FoundationEssentials
internal import NIOCore
internal import Seams

/// A message that is not tried again.
struct DeadLetter: Sendable {
  var queue: String
  /// `nil` when the message is none.
  var event: CloudEvent?
  /// Where it was first published.
  var exchange: String
  var routingKey: String
  var message: BrokerMessage
  var attempts: Int
  var reason: String

  /// The letter's id: the same for the same event, or the same bytes, of the same queue. So a letter that comes again,
  /// because the word that it was buried got lost, is found.
  var id: UUID {
    var hash = SHA256()
    hash.update(data: Array((queue + "\n").utf8))
    if let event {
      hash.update(data: Array(event.id.canonicalText.utf8))
    } else {
      hash.update(data: Array(message.body.readableBytesView))
    }
    var halves: [UInt64] = [0, 0]
    for (index, byte) in hash.finalize().prefix(16).enumerated() {
      halves[index / 8] = halves[index / 8] << 8 | UInt64(byte)
    }
    // Version 8, the variant of RFC 9562 (§5.8).
    return UUID(
      high: halves[0] & 0xFFFF_FFFF_FFFF_0FFF | 0x8000, low: halves[1] & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
  }
}

/// The headers with which a message travels between a queue, its retry queues and its dead letters.
enum EventHeader {
  /// The exchange that the message was first published to.
  static let exchange = "zoco-exchange"
  /// The routing key that it was first published with.
  static let routingKey = "zoco-routing-key"
  /// How many attempts have failed.
  static let attempts = "zoco-attempts"
  /// What the last one failed with.
  static let error = "zoco-error"

  /// The message as it goes on, with where it came from and what happened to it.
  ///
  /// What the broker noted on earlier ways (`x-death` and its kin) stays behind: it would grow, and RabbitMQ reads it to
  /// find circles.
  static func stamp(_ delivery: BrokerDelivery, attempts: Int, error: String) -> BrokerMessage {
    var message = delivery.message
    var headers = BrokerTable()
    for entry in message.headers?.entries ?? [] where !entry.name.hasPrefix("x-") { headers[entry.name] = entry.value }
    headers[exchange] = .string(origin(of: delivery).exchange)
    headers[routingKey] = .string(origin(of: delivery).routingKey)
    headers[self.attempts] = .int(Int64(attempts))
    headers[self.error] = .string(error)
    message.headers = headers
    message.isPersistent = true
    message.expiration = nil
    return message
  }

  /// Where a delivery was first published.
  static func origin(of delivery: BrokerDelivery) -> (exchange: String, routingKey: String) {
    let headers = delivery.message.headers
    guard let exchange = headers?[exchange]?.string, let key = headers?[routingKey]?.string else {
      return (delivery.exchange, delivery.routingKey)
    }
    return (exchange, key)
  }
}
