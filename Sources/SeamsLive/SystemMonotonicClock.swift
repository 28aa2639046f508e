public import Seams

/// The system's clock for elapsed time. Its origin is the first use in this process.
public struct SystemMonotonicClock: MonotonicClock {
  private static let origin = ContinuousClock.now
  /// The longest single sleep: a wait for ``MonotonicInstant/distantFuture`` must not overflow the system's timer.
  private static let longestSleep = Duration.seconds(86_400)

  /// The system's clock.
  public init() {}

  public var now: MonotonicInstant {
    MonotonicInstant(nanoseconds: Self.origin.duration(to: .now).nanosecondsClamped)
  }

  public var minimumResolution: Duration { ContinuousClock().minimumResolution }

  public func sleep(until deadline: MonotonicInstant, tolerance: Duration? = nil) async throws {
    var left = now.duration(to: deadline)
    repeat {
      try await ContinuousClock().sleep(for: max(.zero, min(left, Self.longestSleep)), tolerance: tolerance)
      left = now.duration(to: deadline)
    } while left > .zero
  }
}
