import Seams

/// PostgreSQL's output functions: a value as text.
extension Datum {
  var outputText: String {
    switch self {
    case .null: ""
    case .bool(let value): value ? "t" : "f"
    case .int(let value): String(value)
    case .double(let value): Datum.print(value)
    case .text(let value), .json(let value): value
    case .uuid(let high, let low): Datum.printUUID(high, low)
    case .timestamp(let value): Datum.printTimestamp(value)
    case .interval(let value): value.description
    case .bytes(let value): "\\x" + value.map { Datum.hex($0) }.joined()
    case .array(let values): Datum.printArray(values)
    case .numeric(let value): value.description
    }
  }

  /// A boolean casts to `true`/`false` though it prints as `t`/`f`.
  var castText: String {
    if case .bool(let value) = self { return value ? "true" : "false" }
    return outputText
  }

  private static func print(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return value.description
  }

  static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return byte < 16 ? "0" + digits : digits
  }

  static func printUUID(_ high: UInt64, _ low: UInt64) -> String {
    let left = String(high, radix: 16)
    let right = String(low, radix: 16)
    var text = String(repeating: "0", count: 16 - left.utf8.count) + left
    text += String(repeating: "0", count: 16 - right.utf8.count) + right
    let digits = Array(text.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(36)
    for (index, digit) in digits.enumerated() {
      if index == 8 || index == 12 || index == 16 || index == 20 { out.append(UInt8(ascii: "-")) }
      out.append(digit)
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// `2026-01-31 09:05:00.25+00`: the session's time zone is UTC.
  static func printTimestamp(_ microseconds: Int64) -> String {
    if microseconds == .max { return "infinity" }
    if microseconds == .min { return "-infinity" }
    var text = Timestamp(microsecondsSinceEpoch: microseconds).description
    text.removeLast()
    text = text.replacing("T", with: " ")
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
    }
    return text + "+00"
  }

  private static func printArray(_ values: [Datum]) -> String {
    let parts = values.map { value -> String in
      if value.isNull { return "NULL" }
      let text = value.outputText
      let plain =
        !text.isEmpty && text.uppercased() != "NULL"
        && text.utf8.allSatisfy { !"{}\",\\ \t\n".utf8.contains($0) }
      return plain ? text : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    return "{" + parts.joined(separator: ",") + "}"
  }
}

extension Interval: CustomStringConvertible {
  /// As `IntervalStyle = postgres` prints it: `1 mon 2 days 03:04:05.5`.
  var description: String {
    var parts: [String] = []
    let years = months / 12
    let rest = months % 12
    if years != 0 { parts.append("\(years) year" + (years == 1 ? "" : "s")) }
    if rest != 0 { parts.append("\(rest) mon" + (rest == 1 ? "" : "s")) }
    if days != 0 { parts.append("\(days) day" + (days == 1 ? "" : "s")) }
    if microseconds != 0 || parts.isEmpty {
      let magnitude = microseconds.magnitude
      let fraction = magnitude % 1_000_000
      let seconds = magnitude / 1_000_000
      var text = microseconds < 0 ? "-" : ((months < 0 || days < 0) && microseconds > 0 ? "+" : "")
      text += Interval.padded(seconds / 3600) + ":" + Interval.padded(seconds / 60 % 60)
      text += ":" + Interval.padded(seconds % 60)
      if fraction != 0 {
        var digits = String(fraction)
        digits = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        text += "." + digits
      }
      parts.append(text)
    }
    return parts.joined(separator: " ")
  }

  private static func padded(_ value: UInt64) -> String { value < 10 ? "0\(value)" : String(value) }
}
