internal import FoundationEssentials
internal import Seams

/// The parameters of one statement in PostgreSQL's text form, as C strings in one buffer that is used again.
///
/// Text, with the types left for the server to infer: the same statement then means the same on every engine, and a
/// value's width never has to match the column's.
struct ParameterBuffer {
  private var bytes: [UInt8] = []
  /// Where each parameter begins; negative for NULL.
  private var offsets: [Int] = []

  /// Replaces the contents.
  mutating func fill(_ parameters: [SQLValue]) {
    bytes.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    for value in parameters {
      if value == .null {
        offsets.append(-1)
        continue
      }
      offsets.append(bytes.count)
      ParameterBuffer.append(value, to: &bytes)
      bytes.append(0)
    }
  }

  /// Whether a value has a NUL character, which PostgreSQL's text cannot hold and a C string would end at.
  static func hasNUL(_ value: SQLValue) -> Bool {
    switch value {
    case .text(let text), .json(let text), .numeric(let text): text.utf8.contains(0)
    case .array(let elements): elements.contains(where: hasNUL)
    default: false
    }
  }

  /// Lends the C strings, `nil` for NULL, as libpq takes them.
  func withPointers<R>(_ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> R) -> R {
    bytes.withUnsafeBytes { raw in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: max(1, offsets.count)) { pointers in
        for (index, offset) in offsets.enumerated() {
          let pointer = offset < 0 ? nil : raw.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self)
          pointers.initializeElement(at: index, to: pointer)
        }
        return body(UnsafeBufferPointer(rebasing: pointers[0..<offsets.count]))
      }
    }
  }

  /// Appends the text form of a value that is not NULL.
  static func append(_ value: SQLValue, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes.append(contentsOf: "NULL".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .int(let value): append(value, to: &bytes)
    case .double(let value): bytes.append(contentsOf: text(of: value).utf8)
    case .numeric(let value), .text(let value), .json(let value): bytes.append(contentsOf: value.utf8)
    case .uuid(let value): append(value, to: &bytes)
    case .timestamp(let value): bytes.append(contentsOf: value.description.utf8)
    case .bytes(let value):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(UInt8(ascii: "x"))
      for byte in value {
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      }
    case .array(let values): append(values, to: &bytes)
    }
  }

  private static func append(_ values: [SQLValue], to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (index, element) in values.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      switch element {
      case .null, .bool, .int, .uuid, .array: append(element, to: &bytes)
      case .text(let text), .json(let text), .numeric(let text): ArrayText.appendQuoted(text.utf8, to: &bytes)
      case .double, .timestamp, .bytes:
        var plain: [UInt8] = []
        append(element, to: &plain)
        ArrayText.appendQuoted(plain, to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private static func append(_ value: Int64, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = value.magnitude
    repeat {
      bytes.append(UInt8(truncatingIfNeeded: 48 + rest % 10))
      rest /= 10
    } while rest != 0
    bytes[start...].reverse()
  }

  private static func append(_ value: UUID, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.uuid) { raw in
      for (index, byte) in raw.enumerated() {
        if index == 4 || index == 6 || index == 8 || index == 10 { bytes.append(UInt8(ascii: "-")) }
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      }
    }
  }

  private static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return value.description
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
