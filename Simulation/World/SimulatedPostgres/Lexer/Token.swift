/// One token of SQL text.
struct Token {
  enum Kind: Equatable {
    /// An unquoted word, folded to lower case: a keyword or an identifier.
    case word(String)
    /// `"Quoted"`: an identifier, never a keyword.
    case quoted(String)
    /// `'string'`, with its escapes resolved.
    case string(String)
    /// A number, as written.
    case number(String)
    /// `$n`.
    case parameter(Int)
    /// An operator or a separator.
    case symbol(String)
    case end
  }

  let kind: Kind
  /// The first character, counted from 0 in characters of the whole text.
  let position: Int
  /// The text as written, for "syntax error at or near".
  let text: String
}
