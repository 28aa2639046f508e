package import FoundationEssentials
package import NIOCore
package import Seams

/// Writes JSON straight into a buffer, members in the caller's order, so that the same calls give the same bytes.
///
/// ```swift
/// var json = JSONWriter()
/// json.object {
///   $0.member("productId", id)
///   $0.member("items", in: items) { json, item in json.object { $0.member("quantity", item.quantity) } }
/// }
/// return .json(json)
/// ```
package struct JSONWriter: Sendable {
  /// What was written so far.
  package private(set) var buffer: ByteBuffer
  private var needsComma = false

  /// A writer into a new buffer of `capacity` bytes, which grows.
  package init(capacity: Int = 256) {
    buffer = ByteBufferAllocator().buffer(capacity: capacity)
  }

  /// What was written, as text.
  package var text: String { String(buffer: buffer) }

  // MARK: Structure

  /// Writes an object whose members `body` writes.
  @inline(__always)
  package mutating func object<E: Error>(_ body: (inout JSONWriter) throws(E) -> Void) throws(E) {
    separate()
    buffer.writeInteger(UInt8(ascii: "{"))
    needsComma = false
    try body(&self)
    buffer.writeInteger(UInt8(ascii: "}"))
    needsComma = true
  }

  /// Writes an array of what `body` writes for each of `elements`.
  package mutating func array<Element>(
    _ elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) -> Void
  ) {
    separate()
    buffer.writeInteger(UInt8(ascii: "["))
    needsComma = false
    for element in elements { body(&self, element) }
    buffer.writeInteger(UInt8(ascii: "]"))
    needsComma = true
  }

  /// Writes a member's name; its value must follow. `name` is plain ASCII that needs no escape.
  package mutating func name(_ name: StaticString) {
    separate()
    buffer.writeInteger(UInt8(ascii: "\""))
    buffer.writeStaticString(name)
    buffer.writeStaticString("\":")
    needsComma = false
  }

  /// Writes a member's name that is only known at run time; its value must follow.
  package mutating func name(dynamic name: String) {
    value(name)
    buffer.writeInteger(UInt8(ascii: ":"))
    needsComma = false
  }

  // MARK: Values

  package mutating func value(_ value: Int) {
    separate()
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { scratch in
      var position = scratch.count
      var rest = value.magnitude
      repeat {
        position -= 1
        scratch[position] = UInt8(truncatingIfNeeded: 48 + rest % 10)
        rest /= 10
      } while rest != 0
      if value < 0 {
        position -= 1
        scratch[position] = UInt8(ascii: "-")
      }
      _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: scratch[position...]))
    }
    needsComma = true
  }

  /// Writes a finite number in the shortest form that reads back as the same value.
  package mutating func value(_ value: Double) {
    precondition(value.isFinite, "JSON has no form for \(value)")
    separate()
    buffer.writeString(value.description)
    needsComma = true
  }

  package mutating func value(_ value: Bool) {
    separate()
    buffer.writeStaticString(value ? "true" : "false")
    needsComma = true
  }

  package mutating func value(_ value: UUID) {
    separate()
    buffer.writeInteger(UInt8(ascii: "\""))
    value.withCanonicalBytes { bytes in
      _ = buffer.writeBytes(bytes)
    }
    buffer.writeInteger(UInt8(ascii: "\""))
    needsComma = true
  }

  /// Writes an RFC 3339 time in UTC.
  package mutating func value(_ value: Timestamp) {
    separate()
    buffer.writeInteger(UInt8(ascii: "\""))
    buffer.writeString(value.description)
    buffer.writeInteger(UInt8(ascii: "\""))
    needsComma = true
  }

  package mutating func value(_ value: String) {
    separate()
    buffer.writeInteger(UInt8(ascii: "\""))
    if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
      buffer.writeString(value)
    } else {
      for byte in value.utf8 { writeEscaped(byte) }
    }
    buffer.writeInteger(UInt8(ascii: "\""))
    needsComma = true
  }

  package mutating func null() {
    separate()
    buffer.writeStaticString("null")
    needsComma = true
  }

  package mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): self.value(value)
    case .integer(let value): self.value(Int(value))
    case .number(let text):
      separate()
      buffer.writeString(text)
      needsComma = true
    case .string(let value): self.value(value)
    case .array(let elements): array(elements) { $0.value($1) }
    case .object(let members):
      object { json in
        for member in members {
          json.name(dynamic: member.name)
          json.value(member.value)
        }
      }
    }
  }

  private mutating func separate() {
    if needsComma { buffer.writeInteger(UInt8(ascii: ",")) }
  }

  private mutating func writeEscaped(_ byte: UInt8) {
    switch byte {
    case 0x22: buffer.writeStaticString("\\\"")
    case 0x5C: buffer.writeStaticString("\\\\")
    case 0x0A: buffer.writeStaticString("\\n")
    case 0x0D: buffer.writeStaticString("\\r")
    case 0x09: buffer.writeStaticString("\\t")
    case 0..<0x20:
      buffer.writeStaticString("\\u00")
      buffer.writeInteger(hexDigit(byte >> 4))
      buffer.writeInteger(hexDigit(byte & 15))
    default: buffer.writeInteger(byte)
    }
  }
}

extension JSONWriter {
  package mutating func member(_ name: StaticString, _ value: Int) {
    self.name(name)
    self.value(value)
  }

  package mutating func member(_ name: StaticString, _ value: Double) {
    self.name(name)
    self.value(value)
  }

  package mutating func member(_ name: StaticString, _ value: Bool) {
    self.name(name)
    self.value(value)
  }

  package mutating func member(_ name: StaticString, _ value: UUID) {
    self.name(name)
    self.value(value)
  }

  package mutating func member(_ name: StaticString, _ value: Timestamp) {
    self.name(name)
    self.value(value)
  }

  package mutating func member(_ name: StaticString, _ value: String) {
    self.name(name)
    self.value(value)
  }

  package mutating func member(_ name: StaticString, _ value: JSONValue) {
    self.name(name)
    self.value(value)
  }

  /// Writes a member whose value is an array of what `body` writes for each of `elements`.
  package mutating func member<Element>(
    _ name: StaticString, in elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) -> Void
  ) {
    self.name(name)
    array(elements, body)
  }

  /// Writes a member whose value is an object.
  package mutating func member(_ name: StaticString, object body: (inout JSONWriter) -> Void) {
    self.name(name)
    object(body)
  }
}
