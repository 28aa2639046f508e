public import Seams

/// A named stream of random numbers, forked from the run's seed: xoshiro256** (Blackman and Vigna, "Scrambled linear
/// pseudorandom number generators", 2021), seeded through SplitMix64.
///
/// One stream per purpose (scheduling, each link, each host, each fault kind), so that one draw more in one place does
/// not shift the draws of another.
///
/// `@unchecked Sendable`: only the kernel's thread draws from it.
public final class RandomStream: EntropySource, @unchecked Sendable {
  @exclusivity(unchecked) private var state: (UInt64, UInt64, UInt64, UInt64)

  /// The stream of `seed` alone.
  public init(seed: UInt64) {
    var mixer = SplitMix64(state: seed)
    state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
  }

  /// The stream `name` of the run `seed`: the same two always give the same numbers.
  public convenience init(seed: UInt64, name: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var mixer = SplitMix64(state: seed ^ hash)
    self.init(seed: mixer.next())
  }

  /// The next number of the stream.
  public func next() -> UInt64 {
    let result = rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, 45)
    return result
  }

  /// A number in 0 ..< `bound`, by the multiply-shift reduction: bias below 2^-32 for bounds below 2^32, one draw always.
  @inline(__always)
  public func index(below bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: bound)).high)
  }

  /// `true` with `probability` (0 ... 1).
  public func chance(_ probability: Double) -> Bool {
    unitInterval() < probability
  }

  /// A duration drawn evenly from `range`, in whole nanoseconds.
  public func duration(in range: ClosedRange<Duration>) -> Duration {
    let low = range.lowerBound.nanosecondsClamped
    let span = range.upperBound.nanosecondsClamped - low
    return .nanoseconds(low + Int64(index(below: Int(span) + 1)))
  }

  /// A duration from an exponential distribution of the given mean.
  public func exponential(mean: Duration) -> Duration {
    mean * -DeterministicMath.log(1 - unitInterval())
  }

  /// An element of `choices`, which must not be empty.
  public func pick<Element>(_ choices: [Element]) -> Element {
    choices[index(below: choices.count)]
  }

  @inline(__always)
  private func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value << bits | value >> (64 - bits)
  }
}

/// Vigna's SplitMix64: turns any seed, 0 included, into well-mixed bits.
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// Arithmetic that is the same on every machine: no libm, whose last bit differs between versions.
enum DeterministicMath {
  /// The natural logarithm of `x` > 0, to about 1e-15, from IEEE basic operations alone (atanh series).
  static func log(_ x: Double) -> Double {
    let significand = x.significand
    let exponent = Double(x.exponent)
    let t = (significand - 1) / (significand + 1)
    let square = t * t
    var term = t
    var sum = 0.0
    var divisor = 1.0
    while divisor < 41 {
      sum += term / divisor
      term *= square
      divisor += 2
    }
    return 2 * sum + exponent * 0.693_147_180_559_945_3
  }
}
