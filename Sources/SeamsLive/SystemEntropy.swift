public import Seams

/// The system's cryptographically secure generator.
public struct SystemEntropy: EntropySource {
  /// The system's generator.
  public init() {}

  public func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}
