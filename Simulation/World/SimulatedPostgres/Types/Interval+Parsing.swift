import Seams

extension Interval {
  /// Parses what interval literals hold in practice: `15 minutes`, `1 day 02:03:04`, `1.5 s`, `-1 hour`.
  ///
  /// - Throws: 22007 for text that is not an interval.
  static func parse(_ text: String) throws -> Interval {
    let invalid = Failure.make("22007", "invalid input syntax for type interval: \"\(text)\"")
    var result = Interval()
    let words = split(text.lowercased())
    guard !words.isEmpty else { throw invalid }
    var index = 0
    while index < words.count {
      let word = words[index]
      if word == "ago", index == words.count - 1, index > 0 {
        return Interval(months: -result.months, days: -result.days, microseconds: -result.microseconds)
      }
      if word.contains(":") {
        guard let time = clock(word) else { throw invalid }
        result.microseconds += time
        index += 1
        continue
      }
      guard let amount = Double(word) else { throw invalid }
      let unit = index + 1 < words.count ? words[index + 1] : "second"
      guard result.add(amount, unit) else { throw invalid }
      index += 2
    }
    return result
  }

  /// Words, with a number parted from the unit that follows it.
  private static func split(_ text: String) -> [String] {
    var words: [String] = []
    var current = ""
    var numeric = false
    for character in text {
      if character == " " || character == "\t" {
        if !current.isEmpty { words.append(current) }
        current = ""
        continue
      }
      let isNumber = character.isNumber || "+-.:".contains(character)
      if !current.isEmpty, isNumber != numeric {
        words.append(current)
        current = ""
      }
      numeric = isNumber
      current.append(character)
    }
    if !current.isEmpty { words.append(current) }
    return words
  }

  private static func clock(_ word: String) -> Int64? {
    let negative = word.hasPrefix("-")
    let parts = (negative || word.hasPrefix("+") ? word.dropFirst() : word[...]).split(
      separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]),
      minutes < 60
    else { return nil }
    var total = (hours * 3600 + minutes * 60) * 1_000_000
    if parts.count == 3 {
      guard let seconds = Double(parts[2]), seconds < 60 else { return nil }
      total += Int64((seconds * 1_000_000).rounded())
    }
    return negative ? -total : total
  }

  /// Adds `amount` of `unit`; fractions of a month spill into days, of a day into time. `false` for an unknown unit.
  mutating func add(_ amount: Double, _ unit: String) -> Bool {
    func time(_ scale: Double) { microseconds += Int64((amount * scale).rounded()) }
    switch unit {
    case "us", "usec", "usecs", "microsecond", "microseconds": time(1)
    case "ms", "msec", "msecs", "millisecond", "milliseconds": time(1_000)
    case "s", "sec", "secs", "second", "seconds": time(1_000_000)
    case "m", "min", "mins", "minute", "minutes": time(60_000_000)
    case "h", "hr", "hrs", "hour", "hours": time(3_600_000_000)
    case "d", "day", "days": addDays(amount)
    case "w", "week", "weeks": addDays(amount * 7)
    case "mon", "mons", "month", "months": addMonths(amount)
    case "y", "yr", "yrs", "year", "years": months += Int32((amount * 12).rounded())
    default: return false
    }
    return true
  }

  private mutating func addDays(_ amount: Double) {
    days += Int32(amount.rounded(.towardZero))
    microseconds += Int64((amount.truncatingRemainder(dividingBy: 1) * 86_400_000_000).rounded())
  }

  private mutating func addMonths(_ amount: Double) {
    months += Int32(amount.rounded(.towardZero))
    addDays(amount.truncatingRemainder(dividingBy: 1) * 30)
  }

  static func + (left: Interval, right: Interval) -> Interval {
    Interval(
      months: left.months &+ right.months, days: left.days &+ right.days,
      microseconds: left.microseconds &+ right.microseconds)
  }

  static prefix func - (value: Interval) -> Interval {
    Interval(months: 0 &- value.months, days: 0 &- value.days, microseconds: 0 &- value.microseconds)
  }

  /// Multiplied as `interval_mul` does: fractional months become days, fractional days become time.
  func multiplied(by factor: Double) -> Interval {
    var result = Interval()
    result.addMonths(Double(months) * factor)
    result.addDays(Double(days) * factor)
    result.microseconds += Int64((Double(microseconds) * factor).rounded())
    return result
  }
}

extension Datum {
  /// `timestamp + interval` in UTC: months first, clamped to the month's last day, then days, then time.
  static func add(_ timestamp: Int64, _ interval: Interval) throws -> Int64 {
    if timestamp == .max || timestamp == .min { return timestamp }
    guard interval.months == 0 else { throw Failure.unsupported("adding an interval of months to a timestamp") }
    let (days, overflow) = Int64(interval.days).multipliedReportingOverflow(by: 86_400_000_000)
    let (span, carry) = days.addingReportingOverflow(interval.microseconds)
    let (sum, last) = timestamp.addingReportingOverflow(span)
    if overflow || carry || last { throw Failure.make("22008", "timestamp out of range") }
    return sum
  }
}
