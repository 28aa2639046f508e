/// A point in civil time, in microseconds since 1970-01-01T00:00:00Z: the resolution PostgreSQL's `timestamptz` has.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Microseconds since the Unix epoch, without leap seconds.
  public var microsecondsSinceEpoch: Int64

  /// The time `microsecondsSinceEpoch` microseconds after the Unix epoch.
  @inlinable
  public init(microsecondsSinceEpoch: Int64) {
    self.microsecondsSinceEpoch = microsecondsSinceEpoch
  }

  /// Whether `left` comes before `right`.
  @inlinable
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.microsecondsSinceEpoch < right.microsecondsSinceEpoch
  }

  /// The time that lies `duration` later, truncated to microseconds.
  @inlinable
  public func advanced(by duration: Duration) -> Timestamp {
    Timestamp(microsecondsSinceEpoch: microsecondsSinceEpoch &+ duration.nanosecondsClamped / 1_000)
  }

  /// The time from this one until `other`; negative when `other` is earlier.
  @inlinable
  public func duration(to other: Timestamp) -> Duration {
    .microseconds(other.microsecondsSinceEpoch &- microsecondsSinceEpoch)
  }
}

/// The seam for civil time. Live: the system clock. Simulated: virtual time with the host's skew and drift.
public protocol WallClock: Sendable {
  /// The current civil time as this host believes it to be.
  var now: Timestamp { get }
}
