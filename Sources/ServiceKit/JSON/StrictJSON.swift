package import NIOCore

/// Reads JSON texts as RFC 8259 defines them, and nothing else.
///
/// Refused, each with its line and column: duplicate member names, nesting deeper than ``maximumDepth``, invalid UTF-8,
/// bad escapes, lone surrogates, numbers with leading zeros, and anything after the value.
package enum StrictJSON {
  /// How deep arrays and objects may nest.
  package static let maximumDepth = 32

  /// Parses the readable bytes of `buffer`.
  ///
  /// - Throws: the problem `malformed_json` with members `line` and `column`.
  package static func parse(_ buffer: ByteBuffer) throws(Problem) -> JSONValue {
    let result = buffer.withUnsafeReadableBytes { bytes in
      Result<JSONValue, Problem> { () throws(Problem) in try parse(bytes) }
    }
    return try result.get()
  }

  /// Parses `bytes`.
  ///
  /// - Throws: the problem `malformed_json` with members `line` and `column`.
  package static func parse(_ bytes: [UInt8]) throws(Problem) -> JSONValue {
    let result = bytes.withUnsafeBytes { bytes in
      Result<JSONValue, Problem> { () throws(Problem) in try parse(bytes) }
    }
    return try result.get()
  }

  /// Parses the UTF-8 of `text`.
  ///
  /// - Throws: the problem `malformed_json` with members `line` and `column`.
  package static func parse(_ text: String) throws(Problem) -> JSONValue {
    try parse(Array(text.utf8))
  }

  private static func parse(_ bytes: UnsafeRawBufferPointer) throws(Problem) -> JSONValue {
    var parser = JSONParser(bytes)
    do {
      return try parser.document()
    } catch {
      let (line, column) = position(of: error.offset, in: bytes)
      throw .malformedJSON(error.message, line: line, column: column)
    }
  }

  /// Line and column of a byte offset, both from 1; a column is a byte of UTF-8.
  private static func position(of offset: Int, in bytes: UnsafeRawBufferPointer) -> (line: Int, column: Int) {
    var line = 1
    var lineStart = 0
    for index in 0..<min(offset, bytes.count) where bytes[index] == 0x0A {
      line += 1
      lineStart = index + 1
    }
    return (line, offset - lineStart + 1)
  }
}

/// Where and why a text is no JSON.
struct JSONSyntaxError: Error {
  var offset: Int
  var message: String
}

/// A recursive-descent parser over bytes that outlive it.
struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  var offset = 0
  private var depth = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  mutating func document() throws(JSONSyntaxError) -> JSONValue {
    let value = try value()
    skipSpace()
    guard offset == bytes.count else { throw unexpected("the end of the text") }
    return value
  }

  private mutating func value() throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    guard offset < bytes.count else { throw unexpected("a value") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return try nested { (parser) throws(JSONSyntaxError) in try parser.object() }
    case UInt8(ascii: "["): return try nested { (parser) throws(JSONSyntaxError) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), 48...57: return try number()
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: throw unexpected("a value")
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONSyntaxError) -> JSONValue
  ) throws(JSONSyntaxError) -> JSONValue {
    guard depth < StrictJSON.maximumDepth else {
      throw error("nested deeper than \(StrictJSON.maximumDepth) levels")
    }
    depth += 1
    offset += 1
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func object() throws(JSONSyntaxError) -> JSONValue {
    var members: [JSONMember] = []
    skipSpace()
    if skip(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      let nameOffset = offset
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
        throw unexpected(members.isEmpty ? "a member name or '}'" : "a member name")
      }
      let name = try string()
      try checkUnique(name, in: members, at: nameOffset)
      skipSpace()
      guard skip(UInt8(ascii: ":")) else { throw unexpected("':' after the member name") }
      members.append(JSONMember(name, try value()))
      skipSpace()
      if skip(UInt8(ascii: "}")) { return .object(members) }
      guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
    }
  }

  /// A body holds few members, and at most 64 KiB of them: the quadratic comparison is bounded by its caller's limit.
  private func checkUnique(
    _ name: String, in members: [JSONMember], at offset: Int
  ) throws(JSONSyntaxError) {
    guard members.count < StrictJSON.maximumMembers else {
      throw JSONSyntaxError(offset: offset, message: "more than \(StrictJSON.maximumMembers) members in one object")
    }
    for member in members where member.name.utf8.elementsEqual(name.utf8) {
      throw JSONSyntaxError(offset: offset, message: "duplicate member '\(excerpt(name))'")
    }
  }

  private mutating func array() throws(JSONSyntaxError) -> JSONValue {
    var elements: [JSONValue] = []
    skipSpace()
    if skip(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try value())
      skipSpace()
      if skip(UInt8(ascii: "]")) { return .array(elements) }
      guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or ']'") }
    }
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    let length = word.utf8CodeUnitCount
    let matches = word.withUTF8Buffer { expected in
      bytes.count - offset >= length && bytes[offset..<offset + length].elementsEqual(expected)
    }
    guard matches else { throw unexpected("a value") }
    offset += length
    return value
  }

  mutating func skipSpace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x0A, 0x0D, 0x09: offset += 1
      default: return
      }
    }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard offset < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  func error(_ message: String) -> JSONSyntaxError {
    JSONSyntaxError(offset: offset, message: message)
  }

  func unexpected(_ expectation: String) -> JSONSyntaxError {
    guard offset < bytes.count else { return error("expected \(expectation), found the end of the text") }
    let byte = bytes[offset]
    let found = (0x21..<0x7F).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(hex(byte))"
    return error("expected \(expectation), found \(found)")
  }

  func hex(_ byte: UInt8) -> String {
    "0x" + String(decoding: [hexDigit(byte >> 4), hexDigit(byte & 15)], as: UTF8.self)
  }
}

extension StrictJSON {
  /// How many members one object may have.
  package static let maximumMembers = 256
}

/// A name as it may appear in a message: cut when long.
func excerpt(_ text: String) -> String {
  text.count <= 64 ? text : text.prefix(64) + "…"
}
