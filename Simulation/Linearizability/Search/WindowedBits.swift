/// A set of small numbers that fills up from below: whole words of ones at its bottom are counted, not looked at, so that
/// a copy is as small as the part in which the set is ragged.
struct WindowedBits: Sendable {
  /// 64 numbers in each word.
  private(set) var words: [UInt64]
  /// Words below this one are full.
  private(set) var base = 0
  /// This word and those above it are empty, unless they are below ``base``.
  private(set) var top = 0

  init(count: Int) {
    words = Array(repeating: 0, count: count / 64 + 1)
  }

  /// The words in which the set is ragged.
  var window: Range<Int> { base..<max(base, top) }

  mutating func insert(_ number: Int) {
    let word = number >> 6
    words[word] |= 1 << UInt64(number & 63)
    if word >= top { top = word + 1 }
    while base < top, words[base] == .max { base += 1 }
  }

  mutating func remove(_ number: Int) {
    let word = number >> 6
    words[word] &= ~(1 << UInt64(number & 63))
    if word < base { base = word }
    while top > base, words[top - 1] == 0 { top -= 1 }
  }

  func contains(_ number: Int) -> Bool { words[number >> 6] & (1 << UInt64(number & 63)) != 0 }
}
