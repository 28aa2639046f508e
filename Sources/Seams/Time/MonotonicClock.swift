/// A point on a monotonic time line, in nanoseconds since an origin that is fixed per process (live) or per run
/// (simulated, where the run begins at 0).
public struct MonotonicInstant: InstantProtocol, Sendable, Hashable {
  /// Nanoseconds since the origin of the clock that produced the instant.
  public var nanoseconds: Int64

  /// An instant at `nanoseconds` from the clock's origin.
  @inlinable
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The instant that lies `duration` later. Saturates at the far future instead of overflowing, so that
  /// "no deadline" may be advanced.
  @inlinable
  public func advanced(by duration: Duration) -> MonotonicInstant {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.nanosecondsClamped)
    return MonotonicInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
  }

  /// The time from this instant until `other`; negative when `other` is earlier.
  @inlinable
  public func duration(to other: MonotonicInstant) -> Duration {
    .nanoseconds(other.nanoseconds.subtractingReportingOverflow(nanoseconds).partialValue)
  }

  /// Whether `left` comes before `right`.
  @inlinable
  public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// Later than every instant a clock can show: a wait without a deadline.
  public static let distantFuture = MonotonicInstant(nanoseconds: .max)
}

/// The seam for elapsed time: a Swift `Clock` whose instants are ``MonotonicInstant``.
///
/// The associated type is fixed so that services hold an `any MonotonicClock` and read `clock.now` without being
/// generic over it. Live: `SystemMonotonicClock` (module SeamsLive). Simulated: the host's virtual clock, which may
/// drift from the others.
///
/// `sleep(until:tolerance:)` throws `CancellationError` when the task is cancelled.
public protocol MonotonicClock: Clock where Instant == MonotonicInstant {}

extension Duration {
  /// This duration in whole nanoseconds, clamped to what an `Int64` holds (292 years).
  @inlinable
  public var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carry ? (seconds < 0 ? .min : .max) : sum
  }

  /// This duration in seconds, as a floating-point number.
  @inlinable
  public var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }

  /// This duration in milliseconds, cut to whole microseconds: it prints with three digits after the point at most.
  public var inMilliseconds: Double { Double(nanosecondsClamped / 1_000) / 1_000 }
}
