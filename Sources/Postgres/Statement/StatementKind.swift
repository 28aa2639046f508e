/// What a statement does to transactions, by its first word.
enum StatementKind: Sendable, Hashable {
  case begin
  case commit
  /// ROLLBACK and ABORT, but not ROLLBACK TO SAVEPOINT.
  case rollback
  /// Changes nothing that a repetition would change again. A SELECT counts as one: who calls a function that writes
  /// does so inside a transaction, where COMMIT is what may be lost.
  case read
  case write

  /// The kind of `text`. Comments and opening parentheses before the first word are skipped.
  init(of text: String) {
    var words = SQLWords(text.utf8)
    switch words.next() {
    case "BEGIN", "START": self = .begin
    case "COMMIT", "END": self = words.contains("PREPARED") ? .write : .commit
    case "PREPARE": self = words.next() == "TRANSACTION" ? .commit : .read
    case "ABORT": self = .rollback
    case "ROLLBACK":
      var next = words.next()
      if next == "WORK" || next == "TRANSACTION" { next = words.next() }
      self = next == "TO" ? .read : next == "PREPARED" ? .write : .rollback
    case "SELECT", "VALUES", "TABLE", "SHOW", "SET", "RESET", "SAVEPOINT", "RELEASE", "DEALLOCATE", "DISCARD",
      "LISTEN", "UNLISTEN", "LOCK":
      self = .read
    default: self = .write
    }
  }

  /// Whether a script of several statements ends a transaction that was open before it.
  static func scriptCommits(_ text: String) -> Bool {
    var words = SQLWords(text.utf8)
    while let word = words.next() { if word == "COMMIT" || word == "END" { return true } }
    return false
  }
}

/// The words of an SQL text in capitals, without comments, quoted strings and punctuation.
private struct SQLWords {
  private var rest: String.UTF8View.SubSequence

  init(_ text: String.UTF8View) { rest = text[...] }

  mutating func next() -> String? {
    while let byte = rest.first {
      if SQLWords.isLetter(byte) {
        let end = rest.firstIndex { !SQLWords.isLetter($0) && !(48...57).contains($0) } ?? rest.endIndex
        let word = rest[..<end]
        rest = rest[end...]
        return String(decoding: word.map { (97...122).contains($0) ? $0 - 32 : $0 }, as: UTF8.self)
      }
      rest.removeFirst()
      if byte == UInt8(ascii: "-"), rest.first == byte {
        rest = rest.drop { $0 != UInt8(ascii: "\n") }
      } else if byte == UInt8(ascii: "/"), rest.first == UInt8(ascii: "*") {
        skipBlockComment()
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        rest = rest.drop { $0 != byte }.dropFirst()
      }
    }
    return nil
  }

  mutating func contains(_ word: String) -> Bool {
    while let next = next() { if next == word { return true } }
    return false
  }

  /// Block comments nest in PostgreSQL (manual, 4.1.5).
  private mutating func skipBlockComment() {
    rest.removeFirst()
    var depth = 1
    while depth > 0, let byte = rest.popFirst() {
      if byte == UInt8(ascii: "*"), rest.first == UInt8(ascii: "/") {
        rest.removeFirst()
        depth -= 1
      } else if byte == UInt8(ascii: "/"), rest.first == UInt8(ascii: "*") {
        rest.removeFirst()
        depth += 1
      }
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_") || byte >= 128
  }
}
