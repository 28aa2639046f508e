import NIOCore
import Seams

/// What a client sends. Names of channels are unique in the run.
enum ClientFrame {
  case openChannel(Int)
  case ask(channel: Int, BrokerRequest)
  case publish(channel: Int, BrokerPublication)
  case acknowledge(channel: Int, UInt64, multiple: Bool)
  case reject(channel: Int, UInt64, multiple: Bool, requeue: Bool)
  case closeChannel(Int)

  var bytes: Int {
    switch self {
    case .publish(_, let publication): 64 + publication.message.body.readableBytes
    default: 48
    }
  }

  /// For the record.
  var summary: String {
    switch self {
    case .openChannel(let channel): "channel \(channel) open"
    case .ask(let channel, let request): "channel \(channel) \(request.summary)"
    case .publish(let channel, let publication):
      "channel \(channel) publish to '\(publication.exchange)' under '\(publication.routingKey)' "
        + "\(publication.message.messageID ?? "")"
    case .acknowledge(let channel, let tag, let multiple):
      "channel \(channel) ack \(tag)\(multiple ? " and before" : "")"
    case .reject(let channel, let tag, let multiple, let requeue):
      "channel \(channel) nack \(tag)\(multiple ? " and before" : "")\(requeue ? ", requeue" : "")"
    case .closeChannel(let channel): "channel \(channel) close"
    }
  }
}

/// What the broker sends.
enum ServerFrame {
  case channelOpened(Int)
  case answer(channel: Int, BrokerAnswer)
  case deliver(channel: Int, tag: String, BrokerDelivery)
  case returned(channel: Int, BrokerReplyCode, String, BrokerPublication)
  case confirm(channel: Int, number: UInt64, isAck: Bool)
  case consumerCancelled(channel: Int, tag: String)
  case channelClosed(Int, BrokerReplyCode, String)
  case connectionClosed(BrokerReplyCode, String)

  init(_ effect: BrokerEffect) {
    self =
      switch effect {
      case .deliver(let channel, let tag, let delivery): .deliver(channel: channel, tag: tag, delivery)
      case .returned(let channel, let code, let text, let publication):
        .returned(channel: channel, code, text, publication)
      case .confirm(let channel, let number, let isAck): .confirm(channel: channel, number: number, isAck: isAck)
      case .consumerCancelled(let channel, let tag): .consumerCancelled(channel: channel, tag: tag)
      }
  }

  var bytes: Int {
    switch self {
    case .deliver(_, _, let delivery): 64 + delivery.message.body.readableBytes
    case .returned(_, _, _, let publication): 64 + publication.message.body.readableBytes
    default: 48
    }
  }

  /// For the record.
  var summary: String {
    switch self {
    case .channelOpened(let channel): "channel \(channel) is open"
    case .answer(let channel, let answer): "channel \(channel) \(answer.summary)"
    case .deliver(let channel, let tag, let delivery):
      "channel \(channel) deliver \(delivery.tag) to \(tag) \(delivery.message.messageID ?? "")"
        + "\(delivery.isRedelivered ? ", again" : "")"
    case .returned(let channel, let code, _, _): "channel \(channel) return \(code)"
    case .confirm(let channel, let number, let isAck): "channel \(channel) \(isAck ? "ack" : "nack") of \(number)"
    case .consumerCancelled(let channel, let tag): "channel \(channel) cancel \(tag)"
    case .channelClosed(let channel, let code, let text): "channel \(channel) closed: \(code) \(text)"
    case .connectionClosed(let code, let text): "connection closed: \(code) \(text)"
    }
  }
}

extension BrokerEffect {
  var channel: Int {
    switch self {
    case .deliver(let channel, _, _), .returned(let channel, _, _, _), .confirm(let channel, _, _),
      .consumerCancelled(let channel, _):
      channel
    }
  }
}

extension BrokerRequest {
  /// What is asked, with the names it is about.
  fileprivate var summary: String {
    switch self {
    case .declareExchange(let exchange, let passive):
      "\(passive ? "look for" : "declare") exchange '\(exchange.name)', \(exchange.kind.rawValue)"
    case .deleteExchange(let name, _): "delete exchange '\(name)'"
    case .declareQueue(let queue, let passive): "\(passive ? "look for" : "declare") queue '\(queue.name)'"
    case .deleteQueue(let name, _, _): "delete queue '\(name)'"
    case .purgeQueue(let name): "purge queue '\(name)'"
    case .bind(let binding): "bind queue '\(binding.queue)' to '\(binding.exchange)' under '\(binding.routingKey)'"
    case .unbind(let binding):
      "unbind queue '\(binding.queue)' from '\(binding.exchange)' under '\(binding.routingKey)'"
    case .consume(let queue, let tag, let prefetch, _): "consume '\(queue)' as \(tag), prefetch \(prefetch)"
    case .cancel(let tag): "cancel \(tag)"
    case .get(let queue): "get from '\(queue)'"
    }
  }
}

extension BrokerAnswer {
  /// What came of it.
  fileprivate var summary: String {
    switch self {
    case .done: "done"
    case .queue(let status):
      "queue '\(status.name)': messages \(status.messageCount), consumers \(status.consumerCount)"
    case .count(let count): "messages \(count)"
    case .delivery(let delivery): delivery.map { "message \($0.message.messageID ?? "")" } ?? "no message"
    }
  }
}
