/// A value that travels as one argument of a command: bytes, which the server never reads as anything else.
public protocol CacheArgument: Sendable {
  /// Appends the argument's bytes.
  func appendCacheBytes(to bytes: inout [UInt8])
}

extension String: CacheArgument {
  /// Appends the text in UTF-8.
  public func appendCacheBytes(to bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
}

extension Array: CacheArgument where Element == UInt8 {
  /// Appends the bytes as they are.
  public func appendCacheBytes(to bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}

extension ArraySlice: CacheArgument where Element == UInt8 {
  /// Appends the bytes as they are.
  public func appendCacheBytes(to bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}

extension Int: CacheArgument {
  /// Appends the number in decimal digits.
  public func appendCacheBytes(to bytes: inout [UInt8]) { Int64(self).appendCacheBytes(to: &bytes) }
}

extension Int64: CacheArgument {
  /// Appends the number in decimal digits.
  public func appendCacheBytes(to bytes: inout [UInt8]) {
    if self < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = magnitude
    repeat {
      bytes.append(UInt8(truncatingIfNeeded: 48 + rest % 10))
      rest /= 10
    } while rest != 0
    bytes[start...].reverse()
  }
}

extension Double: CacheArgument {
  /// The shortest text that reads back as the same number; `inf` and `-inf` as Redis writes them.
  public func appendCacheBytes(to bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }
}
