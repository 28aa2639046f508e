internal import HTTPTypes
package import NIOCore

/// Reads the fields of a page's form: `application/x-www-form-urlencoded` (URL Standard, §5.1).
package struct FormReader: Sendable {
  private let fields: [(name: String, value: String)]

  /// Reads `body`. What is no UTF-8 becomes U+FFFD, as the standard has it.
  package init(_ body: ByteBuffer) {
    fields = body.readableBytesView.split(separator: UInt8(ascii: "&")).map { part in
      let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return (Self.decoded(halves[0]), halves.count == 2 ? Self.decoded(halves[1]) : "")
    }
  }

  /// The value of the field `name`; `nil` when there is none, or more than one.
  package func value(_ name: String) -> String? {
    let found = fields.filter { $0.name == name }
    return found.count == 1 ? found[0].value : nil
  }

  private static func decoded(_ text: ByteBufferView) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      let byte = text[index]
      index = text.index(after: index)
      if byte == UInt8(ascii: "%"), text.distance(from: index, to: text.endIndex) >= 2,
        let high = hexValue(text[index]), let low = hexValue(text[text.index(after: index)])
      {
        bytes.append(high << 4 | low)
        index = text.index(index, offsetBy: 2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Accepts `application/x-www-form-urlencoded`, whatever its parameters.
  static func checkMediaType(_ head: HTTPRequest) throws(Problem) {
    let type = head.headerFields[.contentType] ?? ""
    let name = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
    guard name == "application/x-www-form-urlencoded" else {
      throw .unsupportedMediaType(type, expected: "application/x-www-form-urlencoded")
    }
  }
}
