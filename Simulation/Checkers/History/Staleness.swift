internal import Seams

/// How old what a client is told may be.
public struct Staleness: Sendable, Hashable {
  /// How long a product's stock may be read from the cache.
  public var itemLife: Duration
  /// How long an aggregate may be read from the cache.
  public var aggregateLife: Duration
  /// The longest time from reading the tables to storing what was read, or to telling those who wait for it.
  public var reading: Duration

  /// Times; see each member.
  public init(itemLife: Duration, aggregateLife: Duration, reading: Duration) {
    self.itemLife = itemLife
    self.aggregateLife = aggregateLife
    self.reading = reading
  }

  /// Without a cache.
  public static let none = Staleness(itemLife: .zero, aggregateLife: .zero, reading: .zero)

  /// The earliest time of which `record` may tell, when a cached value lives for `life`.
  func earliest(_ record: ClientRecord, life: Duration) -> MonotonicInstant {
    let age = reading + (record.answer.isFromCache ? life : .zero)
    return MonotonicInstant(nanoseconds: max(0, record.start.nanoseconds - age.nanosecondsClamped))
  }
}
