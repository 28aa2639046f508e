/// What commands are drawn with: values at the edges of what they mean, and beyond.
extension CacheStepGenerator {
  mutating func key() -> String { Self.keys[below(Self.keys.count)] }
  mutating func field() -> String { one("f", "g", "h", "", "1") }
  mutating func member() -> String { one("m", "n", "o", "p", "") }
  mutating func rank() -> String { one("0", "1", "2", "-1", "-2", "-100", "100", "x", "1.5") }

  mutating func value() -> String {
    one(
      "", "x", "0", "10", "-3", "9223372036854775807", "-9223372036854775808", "1.5", " 5", "5 ", "+5", "007", "-0",
      "9223372036854775808", "a\r\nb", "ü")
  }

  mutating func number() -> String {
    one(
      "1", "-1", "0", "42", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "x", "", "1.0", "+1")
  }

  mutating func score() -> String {
    one(
      "0", "1", "2", "3", "-1", "0.1", "1.5", "1e3", "-0", "3.0000000000000001", "1e308", "inf", "-inf", "+inf",
      "nan", "x", " 1", "1 ", "0x10", "1e-320")
  }

  mutating func bound() -> String {
    one("-inf", "+inf", "inf", "0", "1", "2", "(1", "(2", "(0.1", "1.5", "(inf", "x", "(", "nan", "1000")
  }

  mutating func lifetime() -> Int {
    while true {
      let drawn = 100 + 10 * below(100_000)
      if lifetimes.insert(drawn).inserted { return drawn }
    }
  }

  mutating func seconds() -> String {
    one(
      "\(lifetime())", "\(lifetime())", "\(lifetime())", "0", "-1", "x", "9223372036854775807", "9223372036854775",
      "-9223372036854775808", "1.5")
  }

  mutating func milliseconds() -> String {
    one(
      "\(lifetime())000", "\(lifetime())000", "\(lifetime())000", "0", "-1", "x", "9223372036854775807",
      "-9223372036854775808")
  }

  func texts(_ words: [String]) -> [CacheWord] { words.map { .text($0) } }

  mutating func one<Choice>(_ choices: Choice...) -> Choice { choices[below(choices.count)] }

  mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
}

extension [String] {
  /// Without its last `count` elements, but for the first.
  func shortened(_ count: Int) -> [String] { Array(prefix(Swift.max(1, self.count - count))) }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct CacheRandom {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
