internal import CRabbitMQ
internal import Seams

/// Requests as AMQP's methods.
extension AMQPLink {
  /// Sends `request`.
  ///
  /// - Returns: why it failed, `nil` when it did not.
  func send(_ request: BrokerRequest, on channel: UInt16) -> String? {
    var arena = AMQPArena()
    defer { arena.free() }
    switch request {
    case .declareExchange(let exchange, let passive):
      var arguments = amqp_exchange_declare_t()
      arguments.exchange = arena.bytes(exchange.name)
      arguments.type = arena.bytes(exchange.kind.rawValue)
      arguments.passive = passive ? 1 : 0
      arguments.durable = exchange.isDurable ? 1 : 0
      return send(AMQPMethodNumber.exchangeDeclare, arguments, on: channel)
    case .deleteExchange(let name, let ifUnused):
      var arguments = amqp_exchange_delete_t()
      arguments.exchange = arena.bytes(name)
      arguments.if_unused = ifUnused ? 1 : 0
      return send(AMQPMethodNumber.exchangeDelete, arguments, on: channel)
    case .declareQueue(let queue, let passive):
      var arguments = amqp_queue_declare_t()
      arguments.queue = arena.bytes(queue.name)
      arguments.passive = passive ? 1 : 0
      arguments.durable = queue.isDurable ? 1 : 0
      arguments.exclusive = queue.isExclusive ? 1 : 0
      arguments.auto_delete = queue.isAutoDelete ? 1 : 0
      arguments.arguments = arena.table(queue.arguments)
      return send(AMQPMethodNumber.queueDeclare, arguments, on: channel)
    case .deleteQueue(let name, let ifUnused, let ifEmpty):
      var arguments = amqp_queue_delete_t()
      arguments.queue = arena.bytes(name)
      arguments.if_unused = ifUnused ? 1 : 0
      arguments.if_empty = ifEmpty ? 1 : 0
      return send(AMQPMethodNumber.queueDelete, arguments, on: channel)
    case .purgeQueue(let name):
      var arguments = amqp_queue_purge_t()
      arguments.queue = arena.bytes(name)
      return send(AMQPMethodNumber.queuePurge, arguments, on: channel)
    case .bind(let binding):
      var arguments = amqp_queue_bind_t()
      arguments.queue = arena.bytes(binding.queue)
      arguments.exchange = arena.bytes(binding.exchange)
      arguments.routing_key = arena.bytes(binding.routingKey)
      return send(AMQPMethodNumber.queueBind, arguments, on: channel)
    case .unbind(let binding):
      var arguments = amqp_queue_unbind_t()
      arguments.queue = arena.bytes(binding.queue)
      arguments.exchange = arena.bytes(binding.exchange)
      arguments.routing_key = arena.bytes(binding.routingKey)
      return send(AMQPMethodNumber.queueUnbind, arguments, on: channel)
    case .consume, .cancel, .get: return sendBasic(request, on: channel)
    }
  }

  private func sendBasic(_ request: BrokerRequest, on channel: UInt16) -> String? {
    var arena = AMQPArena()
    defer { arena.free() }
    switch request {
    case .consume(let queue, let tag, let prefetch, let isExclusive):
      // Without `global` it counts for consumers that start after it, each for itself (RabbitMQ's errata).
      var limit = amqp_basic_qos_t()
      limit.prefetch_count = UInt16(clamping: prefetch)
      if let problem = send(AMQPMethodNumber.basicQos, limit, on: channel) { return problem }
      var arguments = amqp_basic_consume_t()
      arguments.queue = arena.bytes(queue)
      arguments.consumer_tag = arena.bytes(tag)
      arguments.exclusive = isExclusive ? 1 : 0
      return send(AMQPMethodNumber.basicConsume, arguments, on: channel)
    case .cancel(let tag):
      var arguments = amqp_basic_cancel_t()
      arguments.consumer_tag = arena.bytes(tag)
      return send(AMQPMethodNumber.basicCancel, arguments, on: channel)
    case .get(let queue):
      var arguments = amqp_basic_get_t()
      arguments.queue = arena.bytes(queue)
      return send(AMQPMethodNumber.basicGet, arguments, on: channel)
    default: preconditionFailure("a request of another class")
    }
  }

  /// Opens a channel and puts it into confirm mode: two answers come.
  func sendOpen(_ channel: UInt16) -> String? {
    send(AMQPMethodNumber.channelOpen, amqp_channel_open_t(), on: channel)
      ?? send(AMQPMethodNumber.confirmSelect, amqp_confirm_select_t(), on: channel)
  }

  func sendChannelClose(_ channel: UInt16) -> String? {
    var arena = AMQPArena()
    defer { arena.free() }
    var close = amqp_channel_close_t()
    close.reply_code = 200
    close.reply_text = arena.bytes("OK")
    return send(AMQPMethodNumber.channelClose, close, on: channel)
  }

  func sendChannelCloseOK(_ channel: UInt16) -> String? {
    send(AMQPMethodNumber.channelCloseOK, amqp_channel_close_ok_t(), on: channel)
  }

  func sendConnectionCloseOK() {
    _ = send(AMQPMethodNumber.connectionCloseOK, amqp_connection_close_ok_t(), on: 0)
  }
}
