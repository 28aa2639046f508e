import Seams

/// Bind parameters: a value that crossed the seam, as the type that the statement wants.
enum ParameterInput {
  /// Values that are of the wanted type already pass as they are; others go through their text, as on the wire.
  static func datum(_ value: SQLValue, _ type: SQLType) throws -> Datum {
    switch (value, type.base, type.isArray) {
    case (.null, _, _): return .null
    case (.int(let number), .int8, false): return .int(number)
    case (.int(let number), .int4, false), (.int(let number), .int2, false), (.int(let number), .oid, false):
      guard Datum.fits(number, type) else {
        throw Failure.make("22003", "value \"\(number)\" is out of range for type \(type)")
      }
      return .int(number)
    case (.uuid(let id), .uuid, false): return Datum(id)
    case (.text(let text), .text, false), (.text(let text), .name, false), (.text(let text), .varchar, false):
      if text.utf8.contains(0) { throw nul }
      return .text(text)
    case (.bool(let flag), .bool, false): return .bool(flag)
    case (.timestamp(let time), .timestamptz, false): return .timestamp(time.microsecondsSinceEpoch)
    case (.double(let number), .float8, false): return .double(number)
    case (.bytes(let bytes), .bytea, false): return .bytes(bytes)
    case (.array(let items), _, true): return .array(try items.map { try datum($0, type.element) })
    default:
      let text = try text(value, for: type)
      if text.utf8.contains(0) { throw nul }
      return try Datum.parse(text, as: type)
    }
  }

  private static let nul = Failure.make("22021", "invalid byte sequence for encoding \"UTF8\": 0x00")

  /// The text that a driver sends for the value.
  private static func text(_ value: SQLValue, for type: SQLType) throws -> String {
    switch value {
    case .null: return ""
    case .bool(let flag): return flag ? "true" : "false"
    case .int(let number): return String(number)
    case .double(let number): return Datum.double(number).outputText
    case .numeric(let text), .text(let text), .json(let text): return text
    case .uuid(let id): return Datum(id).outputText
    case .timestamp(let time): return Datum.timestamp(time.microsecondsSinceEpoch).outputText
    case .bytes(let bytes): return Datum.bytes(bytes).outputText
    case .array(let items):
      return Datum.array(try items.map { $0 == .null ? .null : .text(try text($0, for: type)) }).outputText
    }
  }
}
