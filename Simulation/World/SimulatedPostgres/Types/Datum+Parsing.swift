import Seams

/// PostgreSQL's input functions: text to a value of a type.
extension Datum {
  /// - Throws: 22P02 for text that the type does not accept, 22003 for a number out of range, 22007 for a bad time.
  static func parse(_ text: String, as type: SQLType) throws -> Datum {
    if type.isArray { return try parseArray(text, element: type.element) }
    switch type.base {
    case .text, .name, .unknown: return .text(text)
    case .varchar: return try .text(fit(text, type))
    case .bool: return try parseBool(text)
    case .int2, .int4, .int8, .oid: return try parseInteger(text, type)
    case .float8: return try parseDouble(text)
    case .numeric: return try parseNumeric(text, type)
    case .uuid: return try parseUUID(text)
    case .timestamptz: return try parseTimestamp(text)
    case .interval: return try .interval(Interval.parse(text))
    case .json:
      try JSONText.validate(text)
      return .json(text)
    case .jsonb: return try .json(JSONText.canonical(text))
    case .bytea: return try parseBytes(text)
    case .void, .record: throw Failure.unsupported("reading a value of type \(type)")
    }
  }

  static func invalid(_ text: String, _ type: SQLType) -> SQLError {
    Failure.make("22P02", "invalid input syntax for type \(type): \"\(text)\"")
  }

  private static func trimmed(_ text: String) -> Substring {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
    var part = text[...]
    while let first = part.first, isSpace(first) { part.removeFirst() }
    while let last = part.last, isSpace(last) { part.removeLast() }
    return part
  }

  /// A text for a varchar(n): too long is an error unless the surplus is spaces.
  static func fit(_ text: String, _ type: SQLType) throws -> String {
    guard type.modifier >= 0, text.utf8.count > Int(type.modifier), text.unicodeScalars.count > Int(type.modifier)
    else { return text }
    let limit = Int(type.modifier)
    let surplus = text.unicodeScalars.dropFirst(limit)
    guard surplus.allSatisfy({ $0 == " " }) else {
      throw Failure.make("22001", "value too long for type \(type.fullDescription)")
    }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
  }

  private static func parseBool(_ text: String) throws -> Datum {
    switch trimmed(text).lowercased() {
    case "t", "tr", "tru", "true", "y", "ye", "yes", "on", "1": return .bool(true)
    case "f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0": return .bool(false)
    default: throw invalid(text, .bool)
    }
  }

  private static func parseInteger(_ text: String, _ type: SQLType) throws -> Datum {
    let digits = trimmed(text)
    guard let value = Int64(digits) else {
      let body = digits.first == "-" || digits.first == "+" ? digits.dropFirst() : digits
      guard !body.isEmpty, body.utf8.allSatisfy({ (48...57).contains($0) }) else { throw invalid(text, type) }
      throw Failure.make("22003", "value \"\(text)\" is out of range for type \(type)")
    }
    guard fits(value, type) else {
      throw Failure.make("22003", "value \"\(text)\" is out of range for type \(type)")
    }
    return .int(value)
  }

  static func fits(_ value: Int64, _ type: SQLType) -> Bool {
    switch type.base {
    case .int2: Int16(exactly: value) != nil
    case .int4: Int32(exactly: value) != nil
    case .oid: UInt32(exactly: value) != nil
    default: true
    }
  }

  private static func parseDouble(_ text: String) throws -> Datum {
    let body = trimmed(text)
    switch body.lowercased() {
    case "nan": return .double(.nan)
    case "infinity", "inf", "+infinity": return .double(.infinity)
    case "-infinity", "-inf": return .double(-.infinity)
    default:
      guard let value = Double(body) else { throw invalid(text, .float8) }
      return .double(value)
    }
  }

  private static func parseNumeric(_ text: String, _ type: SQLType) throws -> Datum {
    let body = trimmed(text)
    guard let value = Numeric(body) else {
      if body.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }), !body.isEmpty {
        throw Failure.unsupported("numeric values of more than 38 digits")
      }
      throw invalid(text, .numeric)
    }
    return try .numeric(fit(value, type))
  }

  /// A number for a numeric(p, s): rounded to the scale, refused beyond the precision.
  static func fit(_ value: Numeric, _ type: SQLType) throws -> Numeric {
    guard type.modifier >= 0 else { return value }
    let (precision, scale) = (Int(type.modifier >> 16), Int(type.modifier & 0xFFFF))
    guard let rounded = value.rescaled(to: scale), let limit = Numeric.power(precision),
      rounded.unscaled.magnitude < limit.magnitude
    else {
      throw Failure.make(
        "22003", "numeric field overflow",
        detail:
          "A field with precision \(precision), scale \(scale) must round to an absolute value less than "
          + (precision == scale ? "1" : "10^\(precision - scale)") + ".")
    }
    return rounded
  }

  static func parseUUID(_ text: String) throws -> Datum {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var count = 0
    var bytes = trimmed(text).utf8[...]
    if bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") { bytes = bytes.dropFirst().dropLast() }
    for byte in bytes {
      let digit: UInt64
      switch byte {
      case 48...57: digit = UInt64(byte - 48)
      case 97...102: digit = UInt64(byte - 87)
      case 65...70: digit = UInt64(byte - 55)
      case UInt8(ascii: "-") where count > 0 && count < 32 && count % 4 == 0: continue
      default: throw invalid(text, .uuid)
      }
      guard count < 32 else { throw invalid(text, .uuid) }
      if count < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
      count += 1
    }
    guard count == 32 else { throw invalid(text, .uuid) }
    return .uuid(high, low)
  }

  private static func parseTimestamp(_ text: String) throws -> Datum {
    let body = trimmed(text)
    switch body.lowercased() {
    case "infinity": return .timestamp(.max)
    case "-infinity": return .timestamp(.min)
    case "epoch": return .timestamp(0)
    case "now": throw Failure.unsupported("the timestamp 'now'")
    default: break
    }
    // The session's time zone is UTC: a time without an offset is UTC, a date is midnight.
    for candidate in [String(body), String(body) + "+00", String(body) + " 00:00:00+00"] {
      if let value = Timestamp(candidate) { return .timestamp(value.microsecondsSinceEpoch) }
    }
    throw Failure.make("22007", "invalid input syntax for type timestamp with time zone: \"\(text)\"")
  }

  private static func parseBytes(_ text: String) throws -> Datum {
    guard text.hasPrefix("\\x") else { throw Failure.unsupported("bytea in escape format") }
    var out: [UInt8] = []
    var pending: UInt8?
    for byte in text.utf8.dropFirst(2) {
      let digit: UInt8
      switch byte {
      case 48...57: digit = byte - 48
      case 97...102: digit = byte - 87
      case 65...70: digit = byte - 55
      default:
        throw Failure.make("22023", "invalid hexadecimal digit: \"\(Character(Unicode.Scalar(byte)))\"")
      }
      if let high = pending {
        out.append(high << 4 | digit)
        pending = nil
      } else {
        pending = digit
      }
    }
    guard pending == nil else { throw Failure.make("22023", "invalid hexadecimal data: odd number of digits") }
    return .bytes(out)
  }

  private static func parseArray(_ text: String, element: SQLType) throws -> Datum {
    func malformed() -> SQLError { Failure.make("22P02", "malformed array literal: \"\(text)\"") }
    var characters = Array(trimmed(text))
    guard characters.first == "{", characters.last == "}" else { throw malformed() }
    characters = Array(characters.dropFirst().dropLast())
    var values: [Datum] = []
    var index = 0
    while index < characters.count {
      var word = ""
      var quoted = false
      if characters[index] == "\"" {
        quoted = true
        index += 1
        while index < characters.count, characters[index] != "\"" {
          if characters[index] == "\\" { index += 1 }
          guard index < characters.count else { throw malformed() }
          word.append(characters[index])
          index += 1
        }
        guard index < characters.count else { throw malformed() }
        index += 1
      } else {
        while index < characters.count, characters[index] != "," {
          if characters[index] == "{" { throw Failure.unsupported("arrays of more than one dimension") }
          word.append(characters[index])
          index += 1
        }
        word = String(trimmed(word))
        if word.isEmpty { throw malformed() }
      }
      values.append(!quoted && word.uppercased() == "NULL" ? .null : try parse(word, as: element))
      if index < characters.count {
        guard characters[index] == ",", index + 1 < characters.count else { throw malformed() }
        index += 1
      }
    }
    return .array(values)
  }
}
