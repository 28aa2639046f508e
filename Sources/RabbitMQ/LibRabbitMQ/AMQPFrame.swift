internal import CRabbitMQ
internal import NIOCore
internal import Seams

/// What a frame from the broker says.
enum AMQPFrame: Sendable {
  /// The answer to the channel's oldest request.
  case answer(BrokerAnswer)
  /// The channel that we closed is free.
  case channelCloseOK
  /// A message begins: its header and body follow.
  case content(ContentStart)
  case header(bodySize: UInt64, BrokerMessage)
  case body(ByteBuffer)
  /// A confirm: an ack, or else a nack.
  case confirm(tag: UInt64, multiple: Bool, isAck: Bool)
  /// The broker ended a consumer.
  case consumerCancelled(String)
  case channelClosed(BrokerReplyCode, String)
  case connectionClosed(BrokerReplyCode, String)
  case connectionCloseOK
  /// The broker takes nothing more for now, or again.
  case blocked(Bool)
  case other

  enum ContentStart: Sendable {
    case delivery(consumerTag: String, BrokerDelivery)
    case got(BrokerDelivery)
    case returned(BrokerReplyCode, String, exchange: String, routingKey: String)
  }
}

/// The numbers of AMQP's methods: the class's in the upper half.
enum AMQPMethodNumber {
  static let connectionClose: UInt32 = 0x000A_0032
  static let connectionCloseOK: UInt32 = 0x000A_0033
  static let connectionBlocked: UInt32 = 0x000A_003C
  static let connectionUnblocked: UInt32 = 0x000A_003D
  static let channelOpen: UInt32 = 0x0014_000A
  static let channelOpenOK: UInt32 = 0x0014_000B
  static let channelClose: UInt32 = 0x0014_0028
  static let channelCloseOK: UInt32 = 0x0014_0029
  static let exchangeDeclare: UInt32 = 0x0028_000A
  static let exchangeDeclareOK: UInt32 = 0x0028_000B
  static let exchangeDelete: UInt32 = 0x0028_0014
  static let exchangeDeleteOK: UInt32 = 0x0028_0015
  static let queueDeclare: UInt32 = 0x0032_000A
  static let queueDeclareOK: UInt32 = 0x0032_000B
  static let queueBind: UInt32 = 0x0032_0014
  static let queueBindOK: UInt32 = 0x0032_0015
  static let queuePurge: UInt32 = 0x0032_001E
  static let queuePurgeOK: UInt32 = 0x0032_001F
  static let queueDelete: UInt32 = 0x0032_0028
  static let queueDeleteOK: UInt32 = 0x0032_0029
  static let queueUnbind: UInt32 = 0x0032_0032
  static let queueUnbindOK: UInt32 = 0x0032_0033
  static let basicQos: UInt32 = 0x003C_000A
  static let basicQosOK: UInt32 = 0x003C_000B
  static let basicConsume: UInt32 = 0x003C_0014
  static let basicConsumeOK: UInt32 = 0x003C_0015
  static let basicCancel: UInt32 = 0x003C_001E
  static let basicCancelOK: UInt32 = 0x003C_001F
  static let basicReturn: UInt32 = 0x003C_0032
  static let basicDeliver: UInt32 = 0x003C_003C
  static let basicGet: UInt32 = 0x003C_0046
  static let basicGetOK: UInt32 = 0x003C_0047
  static let basicGetEmpty: UInt32 = 0x003C_0048
  static let basicAck: UInt32 = 0x003C_0050
  static let basicNack: UInt32 = 0x003C_0078
  static let confirmSelect: UInt32 = 0x0055_000A
  static let confirmSelectOK: UInt32 = 0x0055_000B
}

extension AMQPFrame {
  init(_ frame: amqp_frame_t) {
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_METHOD: self = AMQPFrame(method: frame.payload.method)
    case AMQP_FRAME_HEADER:
      let properties = frame.payload.properties
      let decoded = properties.decoded?.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
      self = .header(
        bodySize: properties.body_size, AMQPDecoding.message(decoded ?? amqp_basic_properties_t()))
    case AMQP_FRAME_BODY: self = .body(ByteBuffer(bytes: AMQPDecoding.raw(frame.payload.body_fragment)))
    default: self = .other
    }
  }

  private static func arguments<Arguments>(of method: amqp_method_t, _ type: Arguments.Type) -> Arguments {
    guard let decoded = method.decoded else { preconditionFailure("a method without its arguments") }
    return decoded.assumingMemoryBound(to: type).pointee
  }

  private init(method: amqp_method_t) {
    self = AMQPFrame(answer: method) ?? AMQPFrame(content: method) ?? AMQPFrame(notice: method)
  }

  private init?(answer method: amqp_method_t) {
    switch method.id {
    case AMQPMethodNumber.channelOpenOK, AMQPMethodNumber.exchangeDeclareOK, AMQPMethodNumber.exchangeDeleteOK,
      AMQPMethodNumber.queueBindOK, AMQPMethodNumber.queueUnbindOK, AMQPMethodNumber.basicQosOK,
      AMQPMethodNumber.basicConsumeOK, AMQPMethodNumber.basicCancelOK, AMQPMethodNumber.confirmSelectOK:
      self = .answer(.done)
    case AMQPMethodNumber.channelCloseOK: self = .channelCloseOK
    case AMQPMethodNumber.queueDeclareOK:
      let ok = AMQPFrame.arguments(of: method, amqp_queue_declare_ok_t.self)
      self = .answer(
        .queue(
          BrokerQueueStatus(
            name: AMQPDecoding.text(ok.queue), messageCount: Int(ok.message_count),
            consumerCount: Int(ok.consumer_count))))
    case AMQPMethodNumber.queuePurgeOK:
      self = .answer(.count(Int(AMQPFrame.arguments(of: method, amqp_queue_purge_ok_t.self).message_count)))
    case AMQPMethodNumber.queueDeleteOK:
      self = .answer(.count(Int(AMQPFrame.arguments(of: method, amqp_queue_delete_ok_t.self).message_count)))
    case AMQPMethodNumber.basicGetEmpty: self = .answer(.delivery(nil))
    default: return nil
    }
  }

  private init?(content method: amqp_method_t) {
    switch method.id {
    case AMQPMethodNumber.basicGetOK:
      let ok = AMQPFrame.arguments(of: method, amqp_basic_get_ok_t.self)
      self = .content(
        .got(
          BrokerDelivery(
            tag: BrokerDeliveryTag(ok.delivery_tag), exchange: AMQPDecoding.text(ok.exchange),
            routingKey: AMQPDecoding.text(ok.routing_key), isRedelivered: ok.redelivered != 0,
            message: BrokerMessage(body: ByteBuffer()), remaining: Int(ok.message_count))))
    case AMQPMethodNumber.basicDeliver:
      let delivery = AMQPFrame.arguments(of: method, amqp_basic_deliver_t.self)
      self = .content(
        .delivery(
          consumerTag: AMQPDecoding.text(delivery.consumer_tag),
          BrokerDelivery(
            tag: BrokerDeliveryTag(delivery.delivery_tag), exchange: AMQPDecoding.text(delivery.exchange),
            routingKey: AMQPDecoding.text(delivery.routing_key), isRedelivered: delivery.redelivered != 0,
            message: BrokerMessage(body: ByteBuffer()))))
    case AMQPMethodNumber.basicReturn:
      let returned = AMQPFrame.arguments(of: method, amqp_basic_return_t.self)
      self = .content(
        .returned(
          BrokerReplyCode(Int(returned.reply_code)), AMQPDecoding.text(returned.reply_text),
          exchange: AMQPDecoding.text(returned.exchange), routingKey: AMQPDecoding.text(returned.routing_key)))
    default: return nil
    }
  }

  private init(notice method: amqp_method_t) {
    switch method.id {
    case AMQPMethodNumber.basicAck:
      let ack = AMQPFrame.arguments(of: method, amqp_basic_ack_t.self)
      self = .confirm(tag: ack.delivery_tag, multiple: ack.multiple != 0, isAck: true)
    case AMQPMethodNumber.basicNack:
      let nack = AMQPFrame.arguments(of: method, amqp_basic_nack_t.self)
      self = .confirm(tag: nack.delivery_tag, multiple: nack.multiple != 0, isAck: false)
    case AMQPMethodNumber.basicCancel:
      self = .consumerCancelled(
        AMQPDecoding.text(AMQPFrame.arguments(of: method, amqp_basic_cancel_t.self).consumer_tag))
    case AMQPMethodNumber.channelClose:
      let close = AMQPFrame.arguments(of: method, amqp_channel_close_t.self)
      self = .channelClosed(BrokerReplyCode(Int(close.reply_code)), AMQPDecoding.text(close.reply_text))
    case AMQPMethodNumber.connectionClose:
      let close = AMQPFrame.arguments(of: method, amqp_connection_close_t.self)
      self = .connectionClosed(BrokerReplyCode(Int(close.reply_code)), AMQPDecoding.text(close.reply_text))
    case AMQPMethodNumber.connectionCloseOK: self = .connectionCloseOK
    case AMQPMethodNumber.connectionBlocked: self = .blocked(true)
    case AMQPMethodNumber.connectionUnblocked: self = .blocked(false)
    default: self = .other
    }
  }
}
