package import FoundationEssentials
package import Seams

extension ObjectReader {
  /// A UUID in text form; all zeros when the member is wrong.
  package func uuid(_ name: String) -> UUID { uuidIfValid(name) ?? UUID(high: 0, low: 0) }

  /// A UUID in text form; `nil` when the member is wrong, for a caller that compares ids before ``finish()``.
  package func uuidIfValid(_ name: String) -> UUID? {
    let expectation = "a UUID such as \"00000000-0000-4000-8000-000000000000\""
    guard let value = required(name, expectation) else { return nil }
    guard case .string(let text) = value, let id = UUID(text: text) else {
      mismatch(name, expectation, value)
      return nil
    }
    return id
  }

  /// UUIDs in text form; empty when the member is wrong.
  package func uuids(_ name: String, count: ClosedRange<Int>) -> [UUID] {
    let expectation = "an array of \(count.lowerBound) to \(count.upperBound) UUIDs"
    guard let value = required(name, expectation) else { return [] }
    guard case .array(let elements) = value, count.contains(elements.count) else {
      mismatch(name, expectation, value)
      return []
    }
    let ids = elements.compactMap { $0.string.flatMap { UUID(text: $0) } }
    guard ids.count == elements.count else {
      fail(name, "expected \(expectation), found an element that is none")
      return []
    }
    return ids
  }

  /// An RFC 3339 time; the epoch when the member is wrong.
  package func timestamp(_ name: String) -> Timestamp {
    let expectation = "a time such as \"2026-01-31T09:05:00Z\""
    guard let value = required(name, expectation) else { return Timestamp(microsecondsSinceEpoch: 0) }
    guard case .string(let text) = value, let time = Timestamp(text) else {
      mismatch(name, expectation, value)
      return Timestamp(microsecondsSinceEpoch: 0)
    }
    return time
  }

  /// An integer within `range`; its lower bound when the member is wrong.
  package func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
    guard let value = required(name, Self.expectation(range)) else { return range.lowerBound }
    return integer(name, value, in: range)
  }

  /// An integer within `range`, `nil` when the member is missing or null; the lower bound when it is wrong.
  package func integerIfPresent(_ name: String, in range: ClosedRange<Int>) -> Int? {
    optional(name).map { integer(name, $0, in: range) }
  }

  /// A string of `length` characters; empty when the member is wrong.
  ///
  /// Refuses U+0000, which PostgreSQL's text cannot hold.
  package func string(_ name: String, length: ClosedRange<Int>) -> String {
    guard let value = required(name, Self.expectation(length: length)) else { return "" }
    return string(name, value, length: length)
  }

  /// A string of `length` characters, `nil` when the member is missing or null; empty when it is wrong.
  package func stringIfPresent(_ name: String, length: ClosedRange<Int>) -> String? {
    optional(name).map { string(name, $0, length: length) }
  }

  /// `true` or `false`; `false` when the member is wrong.
  package func bool(_ name: String) -> Bool {
    guard let value = required(name, "true or false") else { return false }
    guard case .bool(let bool) = value else {
      mismatch(name, "true or false", value)
      return false
    }
    return bool
  }

  /// One of `choices`; the first when the member is wrong.
  package func choice(_ name: String, of choices: [String]) -> String {
    precondition(!choices.isEmpty, "a choice of nothing")
    let expectation = "one of " + choices.map { "\"\($0)\"" }.joined(separator: ", ")
    guard let value = required(name, expectation) else { return choices[0] }
    guard case .string(let text) = value, choices.contains(text) else {
      mismatch(name, expectation, value)
      return choices[0]
    }
    return text
  }

  private func integer(_ name: String, _ value: JSONValue, in range: ClosedRange<Int>) -> Int {
    guard case .integer(let integer) = value, range.contains(Int(integer)) else {
      mismatch(name, Self.expectation(range), value)
      return range.lowerBound
    }
    return Int(integer)
  }

  private func string(_ name: String, _ value: JSONValue, length: ClosedRange<Int>) -> String {
    guard case .string(let text) = value, length.contains(text.unicodeScalars.count) else {
      mismatch(name, Self.expectation(length: length), value)
      return ""
    }
    guard !text.utf8.contains(0) else {
      fail(name, "must not contain the character U+0000")
      return ""
    }
    return text
  }

  private static func expectation(_ range: ClosedRange<Int>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (.min, .max): "an integer"
    case (let low, .max): "an integer of at least \(low)"
    case (let low, let high): "an integer from \(low) to \(high)"
    }
  }

  private static func expectation(length: ClosedRange<Int>) -> String {
    "a string of \(length.lowerBound) to \(length.upperBound) characters"
  }
}
