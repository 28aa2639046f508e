internal import FoundationEssentials
internal import Seams

/// Reads the text form of one column's values.
///
/// What a type's form does not cover (`infinity` as a timestamp, an array of two dimensions) stays text, so that
/// nothing is lost and a typed read of it fails by name.
struct ValueDecoder: Sendable, Hashable {
  private let form: PostgresType.Form
  private let isArray: Bool

  /// The decoder for the type `oid`.
  init(oid: UInt32) {
    if let element = PostgresType.elementForm(ofArrayOID: oid) {
      form = element
      isArray = true
    } else {
      form = PostgresType.form(ofOID: oid)
      isArray = false
    }
  }

  /// The value that `bytes` say.
  func decode(_ bytes: UnsafeBufferPointer<UInt8>) -> SQLValue {
    guard isArray else { return scalar(bytes) }
    guard let elements = ArrayText.parse(bytes) else { return .text(String(decoding: bytes, as: UTF8.self)) }
    return .array(
      elements.map { element in
        guard let element else { return .null }
        return element.withUnsafeBufferPointer(scalar)
      })
  }

  private func scalar(_ bytes: UnsafeBufferPointer<UInt8>) -> SQLValue {
    let value: SQLValue? =
      switch form {
      case .bool: bytes.count == 1 ? .bool(bytes[0] == UInt8(ascii: "t")) : nil
      case .int: ValueDecoder.integer(bytes).map(SQLValue.int)
      case .double: Double(String(decoding: bytes, as: UTF8.self)).map(SQLValue.double)
      case .numeric: .numeric(String(decoding: bytes, as: UTF8.self))
      case .uuid: ValueDecoder.uuid(bytes).map(SQLValue.uuid)
      case .timestamptz: Timestamp(String(decoding: bytes, as: UTF8.self)).map(SQLValue.timestamp)
      case .bytea: ValueDecoder.bytea(bytes).map(SQLValue.bytes)
      case .json: .json(String(decoding: bytes, as: UTF8.self))
      case .text: nil
      }
    return value ?? .text(String(decoding: bytes, as: UTF8.self))
  }

  static func integer(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    var index = 0
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { index = 1 }
    guard index < bytes.count else { return nil }
    var value: Int64 = 0
    while index < bytes.count {
      let digit = Int64(bytes[index]) - 48
      guard (0...9).contains(digit) else { return nil }
      // Built up negatively: the least Int64 has no positive counterpart.
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = scaled.subtractingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = next
      index += 1
    }
    if isNegative { return value }
    return value == .min ? nil : -value
  }

  static func uuid(_ bytes: UnsafeBufferPointer<UInt8>) -> UUID? {
    guard bytes.count == 36 else { return nil }
    var parsed: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    let isValid = withUnsafeMutableBytes(of: &parsed) { out in
      var position = 0
      for index in 0..<16 {
        if position == 8 || position == 13 || position == 18 || position == 23 { position += 1 }
        guard let high = nibble(bytes[position]), let low = nibble(bytes[position + 1]) else { return false }
        out[index] = high << 4 | low
        position += 2
      }
      return true
    }
    return isValid ? UUID(uuid: parsed) : nil
  }

  /// The hex form of bytea: `\x` and two digits for each byte.
  static func bytea(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard bytes.count >= 2, bytes.count % 2 == 0, bytes[0] == UInt8(ascii: "\\"), bytes[1] == UInt8(ascii: "x")
    else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count / 2 - 1)
    for position in stride(from: 2, to: bytes.count, by: 2) {
      guard let high = nibble(bytes[position]), let low = nibble(bytes[position + 1]) else { return nil }
      out.append(high << 4 | low)
    }
    return out
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
    default: nil
    }
  }
}
