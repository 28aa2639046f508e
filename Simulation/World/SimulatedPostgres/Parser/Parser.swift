import Seams
import Synchronization

/// A recursive-descent parser over the tokens of one text. Its parts are in extensions by kind of statement.
struct Parser {
  private let tokens: [Token]
  private(set) var index = 0
  let text: String

  init(_ text: String) throws {
    self.text = text
    tokens = try Lexer.tokens(of: text)
  }

  /// What was parsed before: runs of one process send the same texts again and again.
  private static let known = Mutex<[String: Parsed]>([:])
  private static let knownLimit = 4_096

  /// `@unchecked Sendable`: the parser alone changes syntax, and it is done with this.
  private struct Parsed: @unchecked Sendable {
    let statements: [StatementSyntax]
  }

  /// The statements of `text`.
  static func statements(of text: String) throws -> [StatementSyntax] {
    if let parsed = known.withLock({ $0[text] }) { return parsed.statements }
    let parsed = Parsed(statements: try parse(text))
    known.withLock { known in
      if known.count >= knownLimit { known.removeAll(keepingCapacity: true) }
      known[text] = parsed
    }
    return parsed.statements
  }

  private static func parse(_ text: String) throws -> [StatementSyntax] {
    var parser = try Parser(text)
    var statements: [StatementSyntax] = []
    while true {
      while parser.accept(symbol: ";") {}
      if parser.token.kind == .end { return statements }
      statements.append(try parser.statement())
      guard parser.token.kind == .end || parser.isSymbol(";") else { throw parser.unexpected() }
    }
  }

  var token: Token { tokens[index] }
  var position: Int { tokens[index].position }

  func peek(_ offset: Int) -> Token { tokens[min(index + offset, tokens.count - 1)] }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  mutating func rewind(to saved: Int) { index = saved }

  func unexpected() -> SQLError {
    if token.kind == .end { return Failure.syntax("syntax error at end of input", at: position) }
    return Failure.syntax("syntax error at or near \"\(token.text)\"", at: position)
  }

  func isWord(_ word: String, ahead offset: Int = 0) -> Bool { peek(offset).kind == .word(word) }
  func isSymbol(_ symbol: String, ahead offset: Int = 0) -> Bool { peek(offset).kind == .symbol(symbol) }

  /// Takes the words when all of them follow.
  mutating func accept(_ words: String...) -> Bool {
    for (offset, word) in words.enumerated() where !isWord(word, ahead: offset) { return false }
    for _ in words { advance() }
    return true
  }

  mutating func expect(_ words: String...) throws {
    for word in words {
      guard isWord(word) else { throw unexpected() }
      advance()
    }
  }

  mutating func accept(symbol: String) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func expect(symbol: String) throws {
    guard accept(symbol: symbol) else { throw unexpected() }
  }

  /// Reserved words, which name nothing unless quoted (manual appendix C).
  static let reserved: Set<String> = [
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check",
    "collate", "column", "constraint", "create", "current_catalog", "current_date", "current_role", "current_time",
    "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except",
    "false", "fetch", "for", "foreign", "from", "grant", "group", "having", "in", "initially", "intersect", "into",
    "lateral", "leading", "limit", "localtime", "localtimestamp", "not", "null", "offset", "on", "only", "or", "order",
    "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric", "table", "then",
    "to", "trailing", "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with",
    // Reserved as names of tables and columns only where a function or join keyword could follow.
    "cross", "full", "inner", "is", "isnull", "join", "left", "like", "ilike", "natural", "notnull", "outer", "right",
    "similar", "tablesample",
  ]

  /// An identifier: quoted, or a word that is not reserved.
  mutating func identifier() throws -> String {
    switch token.kind {
    case .quoted(let name):
      advance()
      return name
    case .word(let name) where !Parser.reserved.contains(name):
      advance()
      return name
    default: throw unexpected()
    }
  }

  /// A name after AS, where any word may stand.
  mutating func label() throws -> String {
    switch token.kind {
    case .quoted(let name), .word(let name):
      advance()
      return name
    default: throw unexpected()
    }
  }

  /// A table's name; the schema `public` may stand before it, `information_schema` and `pg_catalog` stay in the name.
  mutating func qualifiedName() throws -> String {
    let first = try identifier()
    guard accept(symbol: ".") else { return first }
    let schema = position
    let second = try identifier()
    switch first {
    case "public", "pg_catalog": return second
    case "information_schema": return "information_schema." + second
    default: throw Failure.unsupported("the schema \(first)", at: schema)
    }
  }

  mutating func identifiers() throws -> [String] {
    try expect(symbol: "(")
    var names = [try identifier()]
    while accept(symbol: ",") { names.append(try identifier()) }
    try expect(symbol: ")")
    return names
  }

  mutating func positionedNames() throws -> [(name: String, position: Int)] {
    var names: [(name: String, position: Int)] = []
    repeat {
      let position = position
      names.append((try qualifiedName(), position))
    } while accept(symbol: ",")
    return names
  }

  mutating func list<Element>(_ element: (inout Parser) throws -> Element) rethrows -> [Element] {
    var items = [try element(&self)]
    while accept(symbol: ",") { items.append(try element(&self)) }
    return items
  }

  mutating func parenthesized<Element>(_ body: (inout Parser) throws -> Element) throws -> Element {
    try expect(symbol: "(")
    let value = try body(&self)
    try expect(symbol: ")")
    return value
  }

  mutating func integer() throws -> Int {
    guard case .number(let digits) = token.kind, let value = Int(digits) else { throw unexpected() }
    advance()
    return value
  }

  /// The text between two token positions, for the schema's description.
  func source(from start: Int, to end: Int) -> String {
    var part = Array(text.unicodeScalars)[start..<min(end, text.unicodeScalars.count)]
    while let last = part.last, last == " " || last == "\n" || last == "\t" { part.removeLast() }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: part)
    return String(view)
  }
}
