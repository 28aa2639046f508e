/// A value that a register holds: nothing, a number, a text, or whatever else a log wrote.
public enum HistoryValue: Sendable, Hashable, CustomStringConvertible {
  /// Nothing was ever written.
  case nothing
  /// A whole number.
  case integer(Int)
  /// A text.
  case text(String)
  /// Another value, as a log writes it.
  case other(String)

  /// The value as EDN writes it.
  public var description: String {
    switch self {
    case .nothing: "nil"
    case .integer(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    case .other(let value): value
    }
  }
}

extension HistoryValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(stringLiteral value: String) { self = .text(value) }
}
