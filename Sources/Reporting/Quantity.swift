internal import Foundation

/// Numbers as people read them.
public enum Quantity {
  /// A whole number with its digits in groups of three: `1,234,567`.
  public static func count(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var groups: [Substring] = []
    while digits.count > 3 {
      groups.insert(digits.suffix(3), at: 0)
      digits.removeLast(3)
    }
    groups.insert(digits[...], at: 0)
    return (value < 0 ? "-" : "") + groups.joined(separator: ",")
  }

  /// How many there are of what `noun` names in the singular: `1 partition`, `1,234 partitions`.
  public static func count(_ value: Int, _ noun: String) -> String {
    "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  /// A number with about three digits that count: `0.0123`, `1.23`, `123`, `12,345`.
  public static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : "∞" }
    let magnitude = abs(value)
    if magnitude >= 100 || value == value.rounded() && magnitude < 1e15 { return count(Int(value.rounded())) }
    return fixed(value, magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : magnitude >= 0.1 ? 3 : 4)
  }

  /// A number with `digits` after the point.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// A time in seconds, in the unit that fits: `850 µs`, `1.2 ms`, `3.4 s`, `12 min`, `5.1 h`, `3.2 days`.
  public static func duration(seconds: Double) -> String {
    let magnitude = abs(seconds)
    switch magnitude {
    case 0: return "0 s"
    case ..<1e-3: return number(seconds * 1e6) + " µs"
    case ..<1: return number(seconds * 1e3) + " ms"
    case ..<120: return number(seconds) + " s"
    case ..<7_200: return number(seconds / 60) + " min"
    case ..<172_800: return number(seconds / 3_600) + " h"
    default: return number(seconds / 86_400) + " days"
    }
  }
}
