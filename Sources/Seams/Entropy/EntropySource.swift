public import FoundationEssentials

/// The seam for randomness and ids. Live: the system's generator. Simulated: a named stream forked from the seed.
///
/// It is shared by reference: two tasks that draw from one source see different values.
public protocol EntropySource: Sendable {
  /// The next 64 random bits.
  func next() -> UInt64
}

extension EntropySource {
  /// A random UUID, version 4 (RFC 9562 §5.4).
  public func uuid() -> UUID {
    var high = next()
    var low = next()
    high = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
    low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return UUID(high: high, low: low)
  }

  /// A number drawn evenly from `range`, without modulo bias.
  public func integer(in range: ClosedRange<Int>) -> Int {
    var generator = EntropyGenerator(self)
    return Int.random(in: range, using: &generator)
  }

  /// A number drawn evenly from 0 ..< 1, with 53 random bits.
  public func unitInterval() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// `duration` multiplied by a factor drawn evenly from 1 - `spread` ... 1 + `spread`: the jitter of a retry.
  public func jittered(_ duration: Duration, spread: Double) -> Duration {
    duration * (1 + spread * (2 * unitInterval() - 1))
  }
}

/// Lets an ``EntropySource`` drive the standard library's `random(in:using:)` and `shuffled(using:)`.
public struct EntropyGenerator: RandomNumberGenerator {
  private let source: any EntropySource

  /// A generator that draws from `source`.
  public init(_ source: any EntropySource) {
    self.source = source
  }

  /// The next number of the source.
  public mutating func next() -> UInt64 {
    source.next()
  }
}

extension UUID {
  /// The UUID of the given 128 bits, most significant first.
  public init(high: UInt64, low: UInt64) {
    var (high, low) = (high.bigEndian, low.bigEndian)
    self = withUnsafeBytes(of: &high) { high in
      withUnsafeBytes(of: &low) { low in
        UUID(
          uuid: (
            high[0], high[1], high[2], high[3], high[4], high[5], high[6], high[7], low[0], low[1], low[2], low[3],
            low[4], low[5], low[6], low[7]
          ))
      }
    }
  }
}
