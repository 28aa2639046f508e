extension JSONParser {
  /// A string whose opening quote is at the offset.
  mutating func string() throws(JSONSyntaxError) -> String {
    offset += 1
    let start = offset
    var isASCII = true
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        let text = try text(start..<offset, isASCII: isASCII)
        offset += 1
        return text
      case UInt8(ascii: "\\"):
        return try escapedString(from: start, isASCII: isASCII)
      case 0..<0x20:
        throw error("control character \(hex(byte)) in a string must be escaped")
      default:
        if byte >= 0x80 { isASCII = false }
        offset += 1
      }
    }
    throw unexpected("'\"' at the end of a string")
  }

  private func text(_ range: Range<Int>, isASCII: Bool) throws(JSONSyntaxError) -> String {
    let part = UnsafeRawBufferPointer(rebasing: bytes[range])
    if isASCII { return String(decoding: part, as: UTF8.self) }
    guard let text = String(validating: part, as: UTF8.self) else {
      throw JSONSyntaxError(offset: range.lowerBound, message: "invalid UTF-8 in a string")
    }
    return text
  }

  /// The rest of a string that has an escape at the offset; `start` is its first byte.
  private mutating func escapedString(from start: Int, isASCII: Bool) throws(JSONSyntaxError) -> String {
    var content: [UInt8] = Array(bytes[start..<offset])
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else {
          throw JSONSyntaxError(offset: start, message: "invalid UTF-8 in a string")
        }
        offset += 1
        return text
      case UInt8(ascii: "\\"):
        try escape(into: &content)
      case 0..<0x20:
        throw error("control character \(hex(byte)) in a string must be escaped")
      default:
        content.append(byte)
        offset += 1
      }
    }
    throw unexpected("'\"' at the end of a string")
  }

  private mutating func escape(into content: inout [UInt8]) throws(JSONSyntaxError) {
    guard offset + 1 < bytes.count else { throw error("a string ends in the middle of an escape") }
    let kind = bytes[offset + 1]
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(kind)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"): return try unicodeEscape(into: &content)
    default: throw error("unknown escape; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")
    }
    offset += 2
  }

  /// `\uXXXX`, or a surrogate pair of two (RFC 8259 §7).
  private mutating func unicodeEscape(into content: inout [UInt8]) throws(JSONSyntaxError) {
    let first = try codeUnit()
    var scalar = UInt32(first)
    if (0xD800..<0xDC00).contains(first) {
      let escapeOffset = offset - 6
      guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
      else { throw JSONSyntaxError(offset: escapeOffset, message: "lone surrogate in an escape") }
      let second = try codeUnit()
      guard (0xDC00..<0xE000).contains(second) else {
        throw JSONSyntaxError(offset: escapeOffset, message: "lone surrogate in an escape")
      }
      scalar = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(scalar) else {
      throw JSONSyntaxError(offset: offset - 6, message: "lone surrogate in an escape")
    }
    content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  private mutating func codeUnit() throws(JSONSyntaxError) -> UInt16 {
    guard offset + 6 <= bytes.count else { throw error("a \\u escape needs four hexadecimal digits") }
    var unit: UInt16 = 0
    for index in offset + 2..<offset + 6 {
      guard let digit = hexValue(bytes[index]) else {
        throw JSONSyntaxError(offset: index, message: "a \\u escape needs four hexadecimal digits")
      }
      unit = unit << 4 | UInt16(digit)
    }
    offset += 6
    return unit
  }

  /// A number as RFC 8259 §6 writes it.
  mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let start = offset
    let isNegative = bytes[offset] == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    let firstDigit = offset
    var magnitude: Int64 = 0
    var fits = true
    while let digit = digit() {
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (difference, carry) = product.subtractingReportingOverflow(Int64(digit))
      magnitude = difference
      if overflow || carry { fits = false }
    }
    guard offset > firstDigit else { throw unexpected("a digit") }
    guard offset == firstDigit + 1 || bytes[firstDigit] != 48 else {
      throw JSONSyntaxError(offset: firstDigit, message: "a number must not begin with 0")
    }
    let isInteger = try !fractionAndExponent()
    // Collected as a negative number, because the smallest 64-bit integer has no positive counterpart.
    if isInteger, fits, isNegative || magnitude != .min {
      return .integer(isNegative ? magnitude : -magnitude)
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  /// Skips them; `false` when there are none.
  private mutating func fractionAndExponent() throws(JSONSyntaxError) -> Bool {
    var found = false
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      found = true
      offset += 1
      try digits(after: "a digit after the decimal point")
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      found = true
      offset += 1
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
      try digits(after: "a digit in the exponent")
    }
    return found
  }

  private mutating func digits(after expectation: String) throws(JSONSyntaxError) {
    guard digit() != nil else { throw unexpected(expectation) }
    while digit() != nil {}
  }

  private mutating func digit() -> UInt8? {
    guard offset < bytes.count, (48...57).contains(bytes[offset]) else { return nil }
    defer { offset += 1 }
    return bytes[offset] - 48
  }
}
