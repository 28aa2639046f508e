/// A piece of HTML. Every value that is interpolated into it is escaped, unless it is itself ``Markup``, so that no
/// text can become a tag:
///
/// ```swift
/// let cell: Markup = "<td>\(name)</td>"
/// ```
public struct Markup: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// The HTML text.
  public private(set) var text: String

  public init(stringLiteral value: String) {
    text = value
  }

  public init(stringInterpolation: StringInterpolation) {
    text = stringInterpolation.text
  }

  /// Nothing.
  public static let empty: Markup = ""

  /// `pieces`, one after the other.
  public init(_ pieces: some Sequence<Markup>) {
    text = pieces.reduce(into: "") { $0 += $1.text }
  }

  public static func + (left: Markup, right: Markup) -> Markup {
    var joined = left
    joined.text += right.text
    return joined
  }

  /// Collects the literal parts as they are and the values escaped.
  public struct StringInterpolation: StringInterpolationProtocol {
    var text = ""

    public init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    public mutating func appendLiteral(_ literal: String) {
      text += literal
    }

    /// Appends markup as it is.
    public mutating func appendInterpolation(_ markup: Markup) {
      text += markup.text
    }

    /// Appends text with `& < > " '` escaped: safe in an element and in a quoted attribute.
    public mutating func appendInterpolation(_ value: String) {
      for scalar in value.unicodeScalars {
        switch scalar {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        case "\"": text += "&quot;"
        case "'": text += "&#39;"
        // Control characters are not allowed in HTML; a terminal's colours would come in by them.
        case "\u{0}"..."\u{8}", "\u{B}"..."\u{C}", "\u{E}"..."\u{1F}", "\u{7F}": text += "\u{FFFD}"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }

    /// Appends a whole number.
    public mutating func appendInterpolation(_ value: some BinaryInteger) {
      text += String(value)
    }
  }
}
