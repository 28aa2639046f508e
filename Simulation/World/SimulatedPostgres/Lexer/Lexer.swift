import Seams

/// Cuts SQL text into tokens (PostgreSQL manual §4.1).
struct Lexer {
  private let scalars: [Unicode.Scalar]
  private var index = 0

  private init(_ text: String) { scalars = Array(text.unicodeScalars) }

  /// All tokens of `text`, an ``Token/Kind/end`` last.
  ///
  /// - Throws: 42601 for an unterminated literal, 0A000 for a kind of token that the engine does not know.
  static func tokens(of text: String) throws -> [Token] {
    var lexer = Lexer(text)
    var tokens: [Token] = []
    while true {
      let token = try lexer.next()
      tokens.append(token)
      if token.kind == .end { return tokens }
    }
  }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    index + offset < scalars.count ? scalars[index + offset] : nil
  }

  private func slice(_ start: Int) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[start..<min(index, scalars.count)])
    return String(view)
  }

  private mutating func next() throws -> Token {
    try skipSpaceAndComments()
    let start = index
    guard let first = peek() else { return Token(kind: .end, position: start, text: "") }
    let kind: Token.Kind
    switch first {
    case "'": kind = .string(try string(start, escapes: false))
    case "\"": kind = .quoted(try quoted(start))
    case "$": kind = try dollar(start)
    case "0"..."9": kind = try number(start)
    case "." where peek(1).map(Lexer.isDigit) == true: kind = try number(start)
    case "e" where peek(1) == "'", "E" where peek(1) == "'":
      index += 1
      kind = .string(try string(start, escapes: true))
    case _ where Lexer.isWordStart(first): kind = try word(start)
    default: kind = .symbol(try symbol(start))
    }
    return Token(kind: kind, position: start, text: slice(start))
  }

  private mutating func skipSpaceAndComments() throws {
    while let scalar = peek() {
      if scalar == " " || scalar == "\n" || scalar == "\t" || scalar == "\r" || scalar == "\u{c}" {
        index += 1
      } else if scalar == "-", peek(1) == "-" {
        while let other = peek(), other != "\n" { index += 1 }
      } else if scalar == "/", peek(1) == "*" {
        let start = index
        var depth = 0
        repeat {
          guard let current = peek() else { throw Failure.syntax("unterminated /* comment", at: start) }
          if current == "/", peek(1) == "*" {
            depth += 1
            index += 2
          } else if current == "*", peek(1) == "/" {
            depth -= 1
            index += 2
          } else {
            index += 1
          }
        } while depth > 0
      } else {
        return
      }
    }
  }

  private mutating func string(_ start: Int, escapes: Bool) throws -> String {
    index += 1
    var out = String.UnicodeScalarView()
    while let scalar = peek() {
      index += 1
      if scalar == "'" {
        guard peek() == "'" else { return String(out) }
        index += 1
      } else if escapes, scalar == "\\" {
        guard let escaped = peek() else { break }
        index += 1
        switch escaped {
        case "n": out.append("\n")
        case "t": out.append("\t")
        case "r": out.append("\r")
        case "\\", "'": out.append(escaped)
        default: throw Failure.unsupported("the escape \\\(escaped) in a string", at: index - 2)
        }
        continue
      }
      out.append(scalar)
    }
    index = scalars.count
    throw Failure.syntax("unterminated quoted string at or near \"\(slice(start))\"", at: start)
  }

  private mutating func quoted(_ start: Int) throws -> String {
    index += 1
    var out = String.UnicodeScalarView()
    while let scalar = peek() {
      index += 1
      if scalar == "\"" {
        guard peek() == "\"" else {
          if out.isEmpty { throw Failure.syntax("zero-length delimited identifier at or near \"\"\"\"", at: start) }
          return String(out)
        }
        index += 1
      }
      out.append(scalar)
    }
    index = scalars.count
    throw Failure.syntax("unterminated quoted identifier at or near \"\(slice(start))\"", at: start)
  }

  private mutating func dollar(_ start: Int) throws -> Token.Kind {
    index += 1
    let digits = index
    skipDigits()
    guard index > digits, let number = Int(slice(digits)), number > 0 else {
      return .string(try dollarQuoted(start))
    }
    return .parameter(number)
  }

  /// `$tag$ … $tag$`.
  private mutating func dollarQuoted(_ start: Int) throws -> String {
    while let scalar = peek(), scalar != "$" {
      guard Lexer.isWordStart(scalar) || Lexer.isDigit(scalar) else {
        throw Failure.syntax("syntax error at or near \"$\"", at: start)
      }
      index += 1
    }
    index += 1
    guard index <= scalars.count else { throw Failure.syntax("syntax error at or near \"$\"", at: start) }
    let tag = Array(scalars[start..<index])
    let body = index
    while index + tag.count <= scalars.count {
      if Array(scalars[index..<index + tag.count]) == tag {
        let text = slice(body)
        index += tag.count
        return text
      }
      index += 1
    }
    throw Failure.syntax("unterminated dollar-quoted string", at: start)
  }

  private mutating func number(_ start: Int) throws -> Token.Kind {
    skipDigits()
    if peek() == ".", peek(1) != "." {
      index += 1
      skipDigits()
    }
    if let mark = peek(), mark == "e" || mark == "E" {
      let sign = peek(1) == "+" || peek(1) == "-" ? 1 : 0
      if peek(1 + sign).map(Lexer.isDigit) == true {
        index += 1 + sign
        skipDigits()
      }
    }
    if let scalar = peek(), Lexer.isWordStart(scalar) {
      index += 1
      throw Failure.syntax("trailing junk after numeric literal at or near \"\(slice(start))\"", at: start)
    }
    return .number(slice(start))
  }

  private mutating func word(_ start: Int) throws -> Token.Kind {
    while let scalar = peek(), Lexer.isWordStart(scalar) || Lexer.isDigit(scalar) || scalar == "$" { index += 1 }
    let word = slice(start)
    if peek() == "'", ["b", "x", "u&", "n"].contains(word.lowercased()) {
      throw Failure.unsupported("the literal \(word)'…'", at: start)
    }
    return .word(word.lowercased())
  }

  private static let twoCharacterSymbols: Set<String> = [
    "::", "<=", ">=", "<>", "!=", "||", "->", "=>", "@>", "<@", "&&", "~~", "..", ":=", "#>", "!~", "~*", "?|", "?&",
  ]

  private mutating func symbol(_ start: Int) throws -> String {
    for length in [3, 2] where index + length <= scalars.count {
      index += length
      let text = slice(start)
      if length == 3 ? text == "->>" || text == "#>>" : Lexer.twoCharacterSymbols.contains(text) { return text }
      index = start
    }
    index += 1
    let text = slice(start)
    guard "+-*/%^<>=()[],;.:|&#~!@?".contains(text) else {
      throw Failure.syntax("syntax error at or near \"\(text)\"", at: start)
    }
    return text
  }

  private mutating func skipDigits() {
    while let scalar = peek(), Lexer.isDigit(scalar) { index += 1 }
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private static func isWordStart(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || scalar.value >= 0x80
  }
}
