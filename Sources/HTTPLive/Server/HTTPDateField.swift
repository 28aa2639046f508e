import NIOCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The value of `Date` (RFC 9110 §6.6.1), formatted once a second.
final class HTTPDateField: Sendable {
  private let cache = Mutex<(second: Int, text: String)>((-1, ""))

  /// The present time as an IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
  var value: String {
    let second = time(nil)
    return cache.withLock { cache in
      if cache.second != second { cache = (second, Self.format(second)) }
      return cache.text
    }
  }

  /// The IMF-fixdate (RFC 9110 §5.6.7) of a Unix time.
  static func format(_ second: Int) -> String {
    var (second, parts) = (second, tm())
    gmtime_r(&second, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let date = "\(padded(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
    let clock = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    return "\(days[Int(parts.tm_wday)]), \(date) \(clock) GMT"
  }

  private static func padded(_ number: Int32) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
