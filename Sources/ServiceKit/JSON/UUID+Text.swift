package import FoundationEssentials

/// The lower-case hexadecimal digit of `value`, 0 … 15.
@inline(__always)
func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? 48 + value : 87 + value
}

/// The value of a hexadecimal digit, `nil` for any other byte.
@inline(__always)
func hexValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case 48...57: digit - 48
  case 65...70: digit - 55
  case 97...102: digit - 87
  default: nil
  }
}

extension UUID {
  /// The text form of RFC 9562 §4 in lower case, which is how Zoco writes ids everywhere.
  package var canonicalText: String {
    withCanonicalBytes { bytes in String(decoding: bytes, as: UTF8.self) }
  }

  /// Parses `8-4-4-4-12` hexadecimal digits in either case; `nil` for anything else.
  package init?(text: String) { self.init(utf8: text.utf8) }

  /// Parses as ``init(text:)-(String)`` does.
  package init?(text: Substring) { self.init(utf8: text.utf8) }

  private init?(utf8: some Sequence<UInt8>) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var position = 0
    var digits = 0
    for byte in utf8 {
      switch position {
      case 8, 13, 18, 23:
        guard byte == UInt8(ascii: "-") else { return nil }
      default:
        guard position < 36, let digit = hexValue(byte) else { return nil }
        if digits < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
        digits += 1
      }
      position += 1
    }
    guard position == 36 else { return nil }
    var bytes = (high.bigEndian, low.bigEndian)
    self = withUnsafeBytes(of: &bytes) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
  }

  /// Passes the 36 bytes of the canonical text to `body`.
  @inline(__always)
  func withCanonicalBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    var source = uuid
    return withUnsafeTemporaryAllocation(byteCount: 36, alignment: 1) { text in
      withUnsafeBytes(of: &source) { bytes in
        var position = 0
        for (index, byte) in bytes.enumerated() {
          if index == 4 || index == 6 || index == 8 || index == 10 {
            text[position] = UInt8(ascii: "-")
            position += 1
          }
          text[position] = hexDigit(byte >> 4)
          text[position + 1] = hexDigit(byte & 15)
          position += 2
        }
      }
      return body(UnsafeRawBufferPointer(text))
    }
  }
}
