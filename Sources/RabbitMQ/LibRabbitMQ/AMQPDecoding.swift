internal import CRabbitMQ
internal import NIOCore
internal import Seams

/// Reads librabbitmq's structures into values of our own: what they point to lives only until the next frame.
enum AMQPDecoding {
  static func text(_ bytes: amqp_bytes_t) -> String {
    String(decoding: raw(bytes), as: UTF8.self)
  }

  static func raw(_ bytes: amqp_bytes_t) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len)
  }

  static func table(_ table: amqp_table_t) -> BrokerTable {
    var out = BrokerTable()
    for index in 0..<Int(table.num_entries) {
      let entry = table.entries[index]
      out[text(entry.key)] = value(entry.value)
    }
    return out
  }

  static func value(_ field: amqp_field_value_t) -> BrokerValue {
    switch field.kind {
    case FieldKind.boolean: .bool(field.value.boolean != 0)
    case FieldKind.int8: .int(Int64(field.value.i8))
    case FieldKind.uint8: .int(Int64(field.value.u8))
    case FieldKind.int16: .int(Int64(field.value.i16))
    case FieldKind.uint16: .int(Int64(field.value.u16))
    case FieldKind.int32: .int(Int64(field.value.i32))
    case FieldKind.uint32: .int(Int64(field.value.u32))
    case FieldKind.int64: .int(field.value.i64)
    case FieldKind.uint64: .int(Int64(clamping: field.value.u64))
    case FieldKind.float: .double(Double(field.value.f32))
    case FieldKind.double: .double(field.value.f64)
    case FieldKind.decimal: .decimal(scale: field.value.decimal.decimals, value: field.value.decimal.value)
    case FieldKind.utf8: .string(text(field.value.bytes))
    case FieldKind.bytes: .bytes(Array(raw(field.value.bytes)))
    case FieldKind.timestamp: .timestamp(Int64(bitPattern: field.value.u64))
    case FieldKind.array: .array((0..<Int(field.value.array.num_entries)).map { value(field.value.array.entries[$0]) })
    case FieldKind.table: .table(table(field.value.table))
    default: .void
    }
  }

  /// A message without its body.
  static func message(_ properties: amqp_basic_properties_t) -> BrokerMessage {
    let flags = properties._flags
    func has(_ flag: Int32) -> Bool { flags & UInt32(bitPattern: flag) != 0 }
    var message = BrokerMessage(body: ByteBuffer())
    message.isPersistent = has(AMQP_BASIC_DELIVERY_MODE_FLAG) && properties.delivery_mode == 2
    if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { message.contentType = text(properties.content_type) }
    if has(AMQP_BASIC_MESSAGE_ID_FLAG) { message.messageID = text(properties.message_id) }
    if has(AMQP_BASIC_CORRELATION_ID_FLAG) { message.correlationID = text(properties.correlation_id) }
    if has(AMQP_BASIC_HEADERS_FLAG) { message.headers = table(properties.headers) }
    if has(AMQP_BASIC_EXPIRATION_FLAG), let milliseconds = Int64(text(properties.expiration)) {
      message.expiration = .milliseconds(milliseconds)
    }
    return message
  }
}

extension AMQPArena {
  /// The properties of `message`.
  mutating func properties(of message: BrokerMessage) -> amqp_basic_properties_t {
    var properties = amqp_basic_properties_t()
    func set(_ flag: Int32) { properties._flags |= UInt32(bitPattern: flag) }
    set(AMQP_BASIC_DELIVERY_MODE_FLAG)
    properties.delivery_mode = message.isPersistent ? 2 : 1
    if let type = message.contentType {
      set(AMQP_BASIC_CONTENT_TYPE_FLAG)
      properties.content_type = bytes(type)
    }
    if let id = message.messageID {
      set(AMQP_BASIC_MESSAGE_ID_FLAG)
      properties.message_id = bytes(id)
    }
    if let id = message.correlationID {
      set(AMQP_BASIC_CORRELATION_ID_FLAG)
      properties.correlation_id = bytes(id)
    }
    if let expiration = message.expiration {
      set(AMQP_BASIC_EXPIRATION_FLAG)
      properties.expiration = bytes(String(expiration.nanosecondsClamped / 1_000_000))
    }
    if let headers = message.headers {
      set(AMQP_BASIC_HEADERS_FLAG)
      properties.headers = table(headers)
    }
    return properties
  }
}
