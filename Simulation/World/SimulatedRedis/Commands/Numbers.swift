import Glibc

/// Numbers as Redis reads and writes them.
enum Numbers {
  /// A whole number as `string2ll` (util.c) reads it: no space, plus sign or leading zero.
  static func integer(_ bytes: some Collection<UInt8>) -> Int64? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let value = Int64(text), String(value) == text else { return nil }
    return value
  }

  /// A cursor as `strtoul` reads it: a sign is taken, and a negative number wraps around.
  static func cursor(_ bytes: some Collection<UInt8>) -> UInt64? {
    let text = String(decoding: bytes, as: UTF8.self)
    if text.isEmpty { return 0 }
    guard text.hasPrefix("-") else { return UInt64(text) }
    return UInt64(text.dropFirst()).map { 0 &- $0 }
  }

  /// A number as `strtod` reads it, all of it; `nil` also for NaN.
  ///
  /// - Parameter isScore: whether it is one, where a leading space and an overflow are refused too (object.c,
  ///   `getDoubleFromObject`); a bound of a range is read without (t_zset.c, `zslParseRange`).
  static func double(_ bytes: some Collection<UInt8>, isScore: Bool) -> Double? {
    var text = Array(bytes)
    if isScore, let first = text.first, isspace(Int32(first)) != 0 { return nil }
    let count = text.count
    text.append(0)
    return text.withUnsafeBytes { raw in
      guard let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self) else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      errno = 0
      let value = strtod(base, &end)
      guard let end, UnsafePointer(end) == base + count, !value.isNaN else { return nil }
      if isScore, errno == ERANGE, value.isInfinite || value == 0 { return nil }
      return value
    }
  }

  /// A score as RESP2 shows it (networking.c of 7.0, `addReplyDouble`): 17 significant digits.
  static func text(_ value: Double) -> [UInt8] {
    if value.isInfinite { return Array((value > 0 ? "inf" : "-inf").utf8) }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { buffer in
      let count = withVaList([value]) { vsnprintf(buffer.baseAddress, buffer.count, "%.17g", $0) }
      return buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }
    }
  }
}
