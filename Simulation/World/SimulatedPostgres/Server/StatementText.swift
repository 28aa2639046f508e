import Seams

/// Statements as a trace shows them: on one line, values as SQL literals.
enum StatementText {
  /// `text` on one line, followed by `; $1 = …, $2 = …`.
  static func line(_ text: String, _ parameters: [SQLValue]) -> String {
    guard !parameters.isEmpty else { return oneLine(text) }
    let values = parameters.enumerated().map { "$\($0.offset + 1) = \(literal($0.element))" }
    return oneLine(text) + "; " + values.joined(separator: ", ")
  }

  /// `text` without its comments from `--` on, every run of white space a single space; what stands in quotes stays as
  /// it is, but for line breaks.
  private static func oneLine(_ text: String) -> String {
    var line = ""
    var quote: Character?
    var rest = text[...]
    while let character = rest.popFirst() {
      if let open = quote {
        if character == open { quote = nil }
        line.append(character.isNewline ? " " : character)
      } else if character == "-", rest.first == "-" {
        rest = rest.drop { !$0.isNewline }
      } else if character.isWhitespace {
        if !line.isEmpty, line.last != " " { line.append(" ") }
      } else {
        if character == "'" || character == "\"" { quote = character }
        line.append(character)
      }
    }
    if quote == nil, line.last == " " { line.removeLast() }
    return line
  }

  /// A value as it would stand in SQL (PostgreSQL manual, 4.1.2).
  private static func literal(_ value: SQLValue) -> String {
    switch value {
    case .null: "NULL"
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number):
      number.isFinite ? Datum.double(number).outputText : quoted(Datum.double(number).outputText)
    case .numeric(let text): text
    case .text(let text), .json(let text): quoted(text)
    case .uuid(let id): quoted(Datum(id).outputText)
    case .timestamp(let time): quoted(Datum.timestamp(time.microsecondsSinceEpoch).outputText)
    case .bytes(let bytes): quoted(Datum.bytes(bytes).outputText)
    case .array(let items): items.isEmpty ? "'{}'" : "ARRAY[" + items.map(literal).joined(separator: ", ") + "]"
    }
  }

  /// `text` as a string constant; one with line breaks as an escape string, so that it keeps to its line.
  private static func quoted(_ text: String) -> String {
    let doubled = text.replacing("'", with: "''")
    guard text.contains(where: \.isNewline) else { return "'\(doubled)'" }
    var escaped = ""
    for scalar in doubled.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\r": escaped += "\\r"
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return "E'\(escaped)'"
  }
}
