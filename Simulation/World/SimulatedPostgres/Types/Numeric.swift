/// PostgreSQL's numeric, within 38 digits: an integer and a decimal scale.
///
/// What does not fit is refused (0A000), never rounded.
struct Numeric: CustomStringConvertible {
  var unscaled: Int128
  /// Digits after the point.
  var scale: Int

  init(unscaled: Int128, scale: Int) {
    self.unscaled = unscaled
    self.scale = scale
  }

  init(_ value: Int64) { self.init(unscaled: Int128(value), scale: 0) }

  /// Parses `[+-]digits[.digits][e[+-]digits]`; `nil` for anything else or more than 38 digits.
  init?(_ text: some StringProtocol) {
    var value: Int128 = 0
    var scale = 0
    var exponent = 0
    var (seenPoint, seenDigit, negative) = (false, false, false)
    var bytes = Substring(text).utf8[...]
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      negative = sign == UInt8(ascii: "-")
      bytes = bytes.dropFirst()
    }
    while let byte = bytes.first {
      if (48...57).contains(byte) {
        let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = scaled.addingReportingOverflow(Int128(byte - 48))
        if overflow || carry { return nil }
        value = sum
        seenDigit = true
        if seenPoint { scale += 1 }
      } else if byte == UInt8(ascii: "."), !seenPoint {
        seenPoint = true
      } else if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        guard let power = Int(String(decoding: bytes.dropFirst(), as: UTF8.self)), abs(power) < 40 else { return nil }
        exponent = power
        bytes = bytes.suffix(0)
        break
      } else {
        return nil
      }
      bytes = bytes.dropFirst()
    }
    guard seenDigit else { return nil }
    scale -= exponent
    if scale < 0 {
      guard let power = Numeric.power(-scale) else { return nil }
      let (scaled, overflow) = value.multipliedReportingOverflow(by: power)
      if overflow { return nil }
      value = scaled
      scale = 0
    }
    self.init(unscaled: negative ? -value : value, scale: scale)
  }

  static func power(_ exponent: Int) -> Int128? {
    guard exponent <= 38 else { return nil }
    var value: Int128 = 1
    for _ in 0..<exponent { value *= 10 }
    return value
  }

  var doubleValue: Double { Double(description) ?? .nan }

  var exactInteger: Int64? {
    guard let power = Numeric.power(scale), unscaled % power == 0 else { return nil }
    return Int64(exactly: unscaled / power)
  }

  /// The nearest integer, halves away from zero.
  var rounded: Int128 { rescaled(to: 0)?.unscaled ?? 0 }

  var description: String {
    let negative = unscaled < 0
    var digits = String(unscaled.magnitude)
    if scale > 0 {
      if digits.utf8.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits }
      digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
    }
    return negative ? "-" + digits : digits
  }

  /// With `scale` digits after the point, halves rounded away from zero; `nil` when it does not fit.
  func rescaled(to newScale: Int) -> Numeric? {
    if newScale == scale { return self }
    if newScale > scale {
      guard let power = Numeric.power(newScale - scale) else { return nil }
      let (value, overflow) = unscaled.multipliedReportingOverflow(by: power)
      return overflow ? nil : Numeric(unscaled: value, scale: newScale)
    }
    guard let power = Numeric.power(scale - newScale) else { return Numeric(unscaled: 0, scale: newScale) }
    let (quotient, remainder) = unscaled.quotientAndRemainder(dividingBy: power)
    let up = remainder.magnitude * 2 >= power.magnitude
    return Numeric(unscaled: up ? quotient + (unscaled < 0 ? -1 : 1) : quotient, scale: newScale)
  }

  static func compare(_ left: Numeric, _ right: Numeric) -> Int {
    let scale = max(left.scale, right.scale)
    guard let a = left.rescaled(to: scale)?.unscaled, let b = right.rescaled(to: scale)?.unscaled else {
      return left.doubleValue < right.doubleValue ? -1 : 1
    }
    return a < b ? -1 : a == b ? 0 : 1
  }

  /// `nil` on a result that does not fit.
  static func add(_ left: Numeric, _ right: Numeric, negate: Bool = false) -> Numeric? {
    let scale = max(left.scale, right.scale)
    guard let a = left.rescaled(to: scale)?.unscaled, let b = right.rescaled(to: scale)?.unscaled else { return nil }
    let (sum, overflow) = negate ? a.subtractingReportingOverflow(b) : a.addingReportingOverflow(b)
    return overflow ? nil : Numeric(unscaled: sum, scale: scale)
  }

  static func multiply(_ left: Numeric, _ right: Numeric) -> Numeric? {
    let (product, overflow) = left.unscaled.multipliedReportingOverflow(by: right.unscaled)
    return overflow ? nil : Numeric(unscaled: product, scale: left.scale + right.scale)
  }

  /// Division at the scale that PostgreSQL's `select_div_scale` chooses: at least 16 significant digits.
  static func divide(_ left: Numeric, _ right: Numeric) -> Numeric? {
    let (weight1, first1) = left.leadingDigit
    let (weight2, first2) = right.leadingDigit
    var quotientWeight = weight1 - weight2
    if first1 <= first2 { quotientWeight -= 1 }
    let scale = max(max(16 - quotientWeight * 4, max(left.scale, right.scale)), 0)
    // left / 10^ls / (right / 10^rs), with two guard digits for the rounding.
    guard let power = Numeric.power(scale + right.scale - left.scale + 1 > 0 ? scale + right.scale - left.scale + 1 : 0)
    else { return nil }
    let (scaled, overflow) = left.unscaled.multipliedReportingOverflow(by: power)
    if overflow { return nil }
    let quotient = Numeric(
      unscaled: scaled / right.unscaled,
      scale: scale + right.scale - left.scale + 1 > 0 ? scale + 1 : left.scale - right.scale)
    return quotient.rescaled(to: scale)
  }

  /// The weight of the first base-10000 digit and its value, as PostgreSQL stores numbers.
  private var leadingDigit: (weight: Int, digit: Int) {
    if unscaled == 0 { return (0, 0) }
    // Align the scale to whole base-10000 digits.
    let aligned = (scale + 3) / 4 * 4
    var value = unscaled.magnitude * UInt128((Numeric.power(aligned - scale) ?? 1).magnitude)
    var weight = -aligned / 4
    while value >= 10_000 {
      value /= 10_000
      weight += 1
    }
    return (weight, Int(value))
  }
}
