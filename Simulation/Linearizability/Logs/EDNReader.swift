/// Reads values of the Extensible Data Notation, one after the other.
struct EDNReader {
  private let bytes: [UInt8]
  private var index: Int
  private var line: Int
  private var lineStart: Int
  private var depth = 0

  /// Values that are nested deeper are refused.
  private static let maximumDepth = 100

  /// A reader of `bytes`, from `start` in line `line` on.
  init(_ bytes: [UInt8], from start: Int = 0, line: Int = 1, lineStart: Int = 0) {
    self.bytes = bytes
    index = start
    self.line = line
    self.lineStart = lineStart
  }

  /// Where the reader stands.
  var position: LogPosition { LogPosition(line: line, column: index - lineStart + 1) }

  /// The next value; `nil` at the end.
  mutating func next() throws(LogError) -> EDNValue? {
    try skipBlanks()
    guard index < bytes.count else { return nil }
    return try value()
  }

  private mutating func value() throws(LogError) -> EDNValue {
    let start = position
    guard index < bytes.count else { throw LogError(start, "a value is missing at the end of the log") }
    let content: EDNValue.Content
    switch bytes[index] {
    case UInt8(ascii: "{"): content = .map(try members(start))
    case UInt8(ascii: "["): content = .sequence(try values(until: "]", of: start))
    case UInt8(ascii: "("): content = .sequence(try values(until: ")", of: start))
    case UInt8(ascii: "\""): content = .text(try text())
    case UInt8(ascii: "#"): return try dispatch(start)
    case UInt8(ascii: "\\"): content = character()
    case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ")"):
      throw LogError(start, "\"\(Character(UnicodeScalar(bytes[index])))\" closes nothing")
    default: content = try atom(start)
    }
    return EDNValue(content: content, position: start)
  }

  private mutating func members(_ start: LogPosition) throws(LogError) -> [EDNValue] {
    let members = try values(until: "}", of: start)
    guard members.count.isMultiple(of: 2) else { throw LogError(start, "this map has a key without a value") }
    return members
  }

  /// The values after an opening bracket, and its closing one.
  private mutating func values(until close: Unicode.Scalar, of start: LogPosition) throws(LogError) -> [EDNValue] {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw LogError(start, "values are nested deeper than \(Self.maximumDepth)")
    }
    index += 1
    var values: [EDNValue] = []
    while true {
      try skipBlanks()
      guard index < bytes.count else { throw LogError(start, "what is opened here is never closed with \"\(close)\"") }
      if bytes[index] == UInt8(ascii: close) {
        index += 1
        return values
      }
      values.append(try value())
    }
  }

  /// What begins with `#`: a set, a tagged value, of which the tag is dropped.
  private mutating func dispatch(_ start: LogPosition) throws(LogError) -> EDNValue {
    index += 1
    if index < bytes.count, bytes[index] == UInt8(ascii: "{") {
      let written = try values(until: "}", of: start).map(\.written).sorted()
      return EDNValue(content: .other("#{\(written.joined(separator: " "))}"), position: start)
    }
    guard !word().isEmpty else { throw LogError(start, "\"#\" is followed by no tag") }
    try skipBlanks()
    return try value()
  }

  private mutating func text() throws(LogError) -> String {
    let start = position
    index += 1
    var text: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += try escape()
      default:
        text.append(byte)
        if byte == UInt8(ascii: "\n") { beginLine() }
      }
    }
    throw LogError(start, "this text is never closed")
  }

  private mutating func escape() throws(LogError) -> [UInt8] {
    let start = LogPosition(line: line, column: index - lineStart)
    guard index < bytes.count else { throw LogError(start, "this text is never closed") }
    let byte = bytes[index]
    index += 1
    switch byte {
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "\\"), UInt8(ascii: "\""): return [byte]
    case UInt8(ascii: "u"):
      let digits = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
      guard digits.utf8.count == 4, let code = UInt32(digits, radix: 16) else {
        throw LogError(start, "\\u takes four hexadecimal digits")
      }
      index += 4
      return Array(String(Character(Unicode.Scalar(code) ?? "\u{FFFD}")).utf8)
    default: throw LogError(start, "a text has no escape \\\(Character(UnicodeScalar(byte)))")
    }
  }

  private mutating func character() -> EDNValue.Content {
    index += 1
    // The first character of a word may be one that ends others.
    let first = index < bytes.count ? [bytes[index]] : []
    index += first.count
    return .other("\\" + String(decoding: first, as: UTF8.self) + word())
  }

  private mutating func atom(_ start: LogPosition) throws(LogError) -> EDNValue.Content {
    let word = word()
    switch word {
    case "nil": return .none
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "": throw LogError(start, "this is no value")
    default: break
    }
    if word.hasPrefix(":") {
      guard word.count > 1 else { throw LogError(start, "\":\" is followed by no keyword") }
      return .keyword(String(word.dropFirst()))
    }
    // A whole number of any size may end in N.
    let digits = word.hasSuffix("N") ? String(word.dropLast()) : word
    return Int(digits).map { .integer($0) } ?? .other(word)
  }

  /// The bytes up to the next that ends a word.
  private mutating func word() -> String {
    let start = index
    while index < bytes.count, !Self.endsWord(bytes[index]) { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...32, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\""), UInt8(ascii: "("), UInt8(ascii: ")"),
      UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
      true
    default: false
    }
  }

  /// Skips white space, commas, comments, and values after `#_`.
  private mutating func skipBlanks() throws(LogError) {
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\n"):
        index += 1
        beginLine()
      case 0...32, UInt8(ascii: ","): index += 1
      case UInt8(ascii: ";"):
        while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
      case UInt8(ascii: "#") where index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "_"):
        index += 2
        try skipBlanks()
        _ = try value()
      default: return
      }
    }
  }

  private mutating func beginLine() {
    line += 1
    lineStart = index
  }
}
