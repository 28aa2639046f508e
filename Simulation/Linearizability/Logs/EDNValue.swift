/// A value of the Extensible Data Notation (github.com/edn-format/edn), with the place where it begins.
struct EDNValue: Sendable {
  enum Content: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case text(String)
    /// Without its colon.
    case keyword(String)
    /// A vector or a list.
    case sequence([EDNValue])
    /// Its keys and values in turn.
    case map([EDNValue])
    /// A set, a symbol, a character, a number that is not whole: as it is written.
    case other(String)
  }

  var content: Content
  var position: LogPosition

  /// The value of a keyword in a map.
  subscript(key: String) -> EDNValue? {
    guard case .map(let members) = content else { return nil }
    for index in stride(from: 0, to: members.count - 1, by: 2) {
      if case .keyword(key) = members[index].content { return members[index + 1] }
    }
    return nil
  }

  /// The name of a keyword.
  var keyword: String? { if case .keyword(let name) = content { name } else { nil } }

  /// The elements of a vector or a list.
  var elements: [EDNValue]? { if case .sequence(let values) = content { values } else { nil } }

  /// What a register would hold.
  var historyValue: HistoryValue {
    switch content {
    case .none: .nothing
    case .integer(let value): .integer(value)
    case .text(let value): .text(value)
    case .boolean, .keyword, .sequence, .map, .other: .other(written)
    }
  }

  /// The value in a form of its own, in which equal values are equal texts.
  var written: String {
    switch content {
    case .none: "nil"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    case .keyword(let name): ":\(name)"
    case .sequence(let values): "[\(values.map(\.written).joined(separator: " "))]"
    case .map(let values): "{\(values.map(\.written).joined(separator: " "))}"
    case .other(let text): text
    }
  }
}
