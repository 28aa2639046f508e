import Seams

/// json and jsonb as text: validated, and for jsonb in the canonical form that PostgreSQL prints.
enum JSONText {
  indirect enum Node {
    case scalar(String)
    case string(String)
    case array([Node])
    case object([(key: String, value: Node)])
  }

  /// - Throws: 22P02.
  static func validate(_ text: String) throws { _ = try parse(text) }

  /// Keys sorted by length, then bytes; the last of duplicates wins; one space after `:` and `,`.
  static func canonical(_ text: String) throws -> String { print(try parse(text), canonical: true) }

  static func parse(_ text: String) throws -> Node {
    var reader = Reader(bytes: Array(text.utf8), text: text)
    let node = try reader.value(depth: 0)
    reader.space()
    guard reader.atEnd else { throw reader.invalid() }
    return node
  }

  static func print(_ node: Node, canonical: Bool) -> String {
    switch node {
    case .scalar(let text): return text
    case .string(let text): return quote(text)
    case .array(let items): return "[" + items.map { print($0, canonical: canonical) }.joined(separator: ", ") + "]"
    case .object(let members):
      var kept = members
      if canonical {
        kept = []
        for member in members {
          if let index = kept.firstIndex(where: { $0.key == member.key }) {
            kept[index] = member
          } else {
            kept.append(member)
          }
        }
        kept.sort { left, right in
          let (a, b) = (left.key.utf8, right.key.utf8)
          return a.count != b.count ? a.count < b.count : a.lexicographicallyPrecedes(b)
        }
      }
      let parts = kept.map { quote($0.key) + ": " + print($0.value, canonical: canonical) }
      return "{" + parts.joined(separator: ", ") + "}"
    }
  }

  static func quote(_ text: String) -> String {
    // Almost every text needs no escape.
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      return "\"" + text + "\""
    }
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{8}": out += "\\b"
      case "\u{c}": out += "\\f"
      default:
        if scalar.value < 0x20 {
          out += "\\u00" + Datum.hex(UInt8(scalar.value))
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }

  private struct Reader {
    let bytes: [UInt8]
    let text: String
    var index = 0

    init(bytes: [UInt8], text: String) {
      self.bytes = bytes
      self.text = text
    }

    var atEnd: Bool { index >= bytes.count }

    func invalid() -> SQLError {
      Failure.make("22P02", "invalid input syntax for type json", detail: "Near byte \(index + 1) of: \(text)")
    }

    mutating func space() {
      while index < bytes.count, Reader.isSpace(bytes[index]) { index += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
      switch byte {
      case 32, 9, 10, 13: true
      default: false
      }
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "]"), UInt8(ascii: "}"): true
      default: isSpace(byte)
      }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      space()
      guard index < bytes.count, bytes[index] == byte else { return false }
      index += 1
      return true
    }

    mutating func value(depth: Int) throws -> Node {
      guard depth < 512 else { throw invalid() }
      space()
      guard index < bytes.count else { throw invalid() }
      switch bytes[index] {
      case UInt8(ascii: "{"): return try object(depth: depth)
      case UInt8(ascii: "["): return try array(depth: depth)
      case UInt8(ascii: "\""): return .string(try string())
      default: return try scalar()
      }
    }

    private mutating func object(depth: Int) throws -> Node {
      index += 1
      var members: [(key: String, value: Node)] = []
      if take(UInt8(ascii: "}")) { return .object(members) }
      repeat {
        space()
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw invalid() }
        let key = try string()
        guard take(UInt8(ascii: ":")) else { throw invalid() }
        members.append((key, try value(depth: depth + 1)))
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { throw invalid() }
      return .object(members)
    }

    private mutating func array(depth: Int) throws -> Node {
      index += 1
      var items: [Node] = []
      if take(UInt8(ascii: "]")) { return .array(items) }
      repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "]")) else { throw invalid() }
      return .array(items)
    }

    private mutating func scalar() throws -> Node {
      let start = index
      while index < bytes.count, !Reader.endsScalar(bytes[index]) { index += 1 }
      let word = String(decoding: bytes[start..<index], as: UTF8.self)
      if word == "true" || word == "false" || word == "null" { return .scalar(word) }
      var digits = word[...]
      if digits.first == "-" { digits = digits.dropFirst() }
      guard let first = digits.utf8.first, (48...57).contains(first), Double(word) != nil,
        !(digits.hasPrefix("0") && digits.utf8.dropFirst().first.map { (48...57).contains($0) } == true),
        word.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }), word.last != "."
      else { throw invalid() }
      return .scalar(word)
    }

    private mutating func string() throws -> String {
      index += 1
      let start = index
      while index < bytes.count, bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\\") {
        if bytes[index] == UInt8(ascii: "\"") {
          index += 1
          return String(decoding: bytes[start..<index - 1], as: UTF8.self)
        }
        index += 1
      }
      var out = Array(bytes[start..<index])
      while index < bytes.count {
        let byte = bytes[index]
        index += 1
        if byte == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
        if byte < 0x20 { throw invalid() }
        guard byte == UInt8(ascii: "\\") else {
          out.append(byte)
          continue
        }
        guard index < bytes.count else { throw invalid() }
        let escape = bytes[index]
        index += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(escape)
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "f"): out.append(12)
        case UInt8(ascii: "u"): out.append(contentsOf: try unicode())
        default: throw invalid()
        }
      }
      throw invalid()
    }

    private mutating func unicode() throws -> [UInt8] {
      var value = try unit()
      if (0xD800..<0xDC00).contains(value) {
        guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
        else { throw invalid() }
        index += 2
        let low = try unit()
        guard (0xDC00..<0xE000).contains(low) else { throw invalid() }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw invalid() }
      return Array(String(Character(scalar)).utf8)
    }

    private mutating func unit() throws -> UInt32 {
      guard index + 4 <= bytes.count,
        let value = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
      else { throw invalid() }
      index += 4
      return value
    }
  }
}
