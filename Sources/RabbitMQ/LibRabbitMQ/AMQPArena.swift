internal import CRabbitMQ
internal import NIOCore
internal import Seams

/// Memory that librabbitmq reads during one call: strings, tables and arrays, all freed together.
struct AMQPArena: ~Copyable {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  /// Frees the memory now. Called after librabbitmq's call, which also keeps the memory until then.
  mutating func free() {
    for block in blocks { block.deallocate() }
    blocks = []
  }

  /// A copy of `text`.
  mutating func bytes(_ text: String) -> amqp_bytes_t {
    var text = text
    return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
  }

  /// A copy of `buffer`'s readable bytes.
  mutating func bytes(_ buffer: ByteBuffer) -> amqp_bytes_t {
    buffer.withUnsafeReadableBytes { copy($0) }
  }

  private mutating func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
    guard let base = source.baseAddress, !source.isEmpty else { return amqp_bytes_t(len: 0, bytes: nil) }
    let block = allocate(source.count, alignment: 1)
    block.copyMemory(from: base, byteCount: source.count)
    return amqp_bytes_t(len: source.count, bytes: block)
  }

  private mutating func allocate(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: alignment)
    blocks.append(block)
    return block
  }

  /// `table` as librabbitmq wants it.
  mutating func table(_ table: BrokerTable) -> amqp_table_t {
    guard !table.isEmpty else { return amqp_table_t(num_entries: 0, entries: nil) }
    let count = table.entries.count
    let entries = allocate(
      count * MemoryLayout<amqp_table_entry_t>.stride, alignment: MemoryLayout<amqp_table_entry_t>.alignment
    ).bindMemory(to: amqp_table_entry_t.self, capacity: count)
    for (index, entry) in table.entries.enumerated() {
      let (key, value) = (bytes(entry.name), field(entry.value))
      (entries + index).initialize(to: amqp_table_entry_t(key: key, value: value))
    }
    return amqp_table_t(num_entries: Int32(count), entries: entries)
  }

  private mutating func field(_ value: BrokerValue) -> amqp_field_value_t {
    var field = amqp_field_value_t()
    switch value {
    case .void: field.kind = FieldKind.void
    case .bool(let bool):
      field.kind = FieldKind.boolean
      field.value.boolean = bool ? 1 : 0
    case .int(let int):
      field.kind = FieldKind.int64
      field.value.i64 = int
    case .double(let double):
      field.kind = FieldKind.double
      field.value.f64 = double
    case .decimal(let scale, let number):
      field.kind = FieldKind.decimal
      field.value.decimal = amqp_decimal_t(decimals: scale, value: number)
    case .string(let text):
      field.kind = FieldKind.utf8
      field.value.bytes = bytes(text)
    case .bytes(let raw):
      field.kind = FieldKind.bytes
      field.value.bytes = raw.withUnsafeBytes { copy($0) }
    case .timestamp(let seconds):
      field.kind = FieldKind.timestamp
      field.value.u64 = UInt64(bitPattern: seconds)
    case .array(let values):
      field.kind = FieldKind.array
      field.value.array = array(values)
    case .table(let nested):
      field.kind = FieldKind.table
      field.value.table = table(nested)
    }
    return field
  }

  private mutating func array(_ values: [BrokerValue]) -> amqp_array_t {
    guard !values.isEmpty else { return amqp_array_t(num_entries: 0, entries: nil) }
    let entries = allocate(
      values.count * MemoryLayout<amqp_field_value_t>.stride, alignment: MemoryLayout<amqp_field_value_t>.alignment
    ).bindMemory(to: amqp_field_value_t.self, capacity: values.count)
    for (index, value) in values.enumerated() {
      (entries + index).initialize(to: field(value))
    }
    return amqp_array_t(num_entries: Int32(values.count), entries: entries)
  }
}

/// The letters that tell a field's type (RabbitMQ's errata to AMQP 0-9-1).
enum FieldKind {
  static let boolean = UInt8(ascii: "t")
  static let int8 = UInt8(ascii: "b")
  static let uint8 = UInt8(ascii: "B")
  static let int16 = UInt8(ascii: "s")
  static let uint16 = UInt8(ascii: "u")
  static let int32 = UInt8(ascii: "I")
  static let uint32 = UInt8(ascii: "i")
  static let int64 = UInt8(ascii: "l")
  static let uint64 = UInt8(ascii: "L")
  static let float = UInt8(ascii: "f")
  static let double = UInt8(ascii: "d")
  static let decimal = UInt8(ascii: "D")
  static let utf8 = UInt8(ascii: "S")
  static let bytes = UInt8(ascii: "x")
  static let array = UInt8(ascii: "A")
  static let timestamp = UInt8(ascii: "T")
  static let table = UInt8(ascii: "F")
  static let void = UInt8(ascii: "V")
}
