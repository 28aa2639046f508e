/// A topic exchange's pattern: words between dots, where `*` is one word and `#` any number of them (AMQP 0-9-1, 3.1.3.3).
struct TopicPattern: Hashable {
  private let words: [Substring]

  init(_ text: String) { words = TopicPattern.words(of: text) }

  /// Whether the pattern matches the routing key.
  func matches(_ key: String) -> Bool {
    matches(words[...], TopicPattern.words(of: key)[...])
  }

  private func matches(_ pattern: ArraySlice<Substring>, _ key: ArraySlice<Substring>) -> Bool {
    guard let first = pattern.first else { return key.isEmpty }
    let rest = pattern.dropFirst()
    if first == "#" {
      return (0...key.count).contains { matches(rest, key.dropFirst($0)) }
    }
    guard let word = key.first, first == "*" || first == word else { return false }
    return matches(rest, key.dropFirst())
  }

  /// An empty key has no word; an empty word between dots is one.
  private static func words(of text: String) -> [Substring] {
    text.isEmpty ? [] : text.split(separator: ".", omittingEmptySubsequences: false)
  }
}
