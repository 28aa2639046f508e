/// Seeds from a first to a last, both included: `1..200`, or one seed.
public struct SeedRange: Sendable, Hashable, CustomStringConvertible {
  public var first: UInt64
  public var last: UInt64

  /// The seeds `first` … `last`.
  ///
  /// - Precondition: `first` is not above `last`.
  public init(_ first: UInt64, _ last: UInt64) {
    precondition(first <= last, "a seed range goes from the smaller to the larger")
    self.first = first
    self.last = last
  }

  /// Reads `A..B`, `A...B`, `A-B` or `A`.
  ///
  /// - Throws: ``SeedRangeError`` that explains the form.
  public init(parsing text: String) throws(SeedRangeError) {
    let parts: [Substring]
    if let dots = text.firstRange(of: "...") ?? text.firstRange(of: "..") ?? text.firstRange(of: "-") {
      parts = [text[..<dots.lowerBound], text[dots.upperBound...]]
    } else {
      parts = [text[...], text[...]]
    }
    guard let first = UInt64(parts[0]), let last = UInt64(parts[1]) else { throw SeedRangeError(text: text) }
    guard first <= last else { throw SeedRangeError(text: text, isReversed: true) }
    // A range of more seeds than an `Int` counts would not end in any lifetime.
    guard last - first < UInt64(Int.max) else { throw SeedRangeError(text: text) }
    self.init(first, last)
  }

  public var count: Int { Int(last - first) + 1 }

  public var description: String { first == last ? "\(first)" : "\(first)..\(last)" }
}

/// A text that is no seed range.
public struct SeedRangeError: Error, Sendable, Hashable, CustomStringConvertible {
  public var text: String
  public var isReversed = false

  public var description: String {
    isReversed
      ? "the seed range \"\(text)\" runs backwards; write the smaller seed first, as in --seeds 1..200"
      : "\"\(text)\" is not a seed range; write two whole numbers from 0 on with two dots between, as in --seeds 1..200"
  }
}
