public import Seams

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The system's civil time.
public struct SystemWallClock: WallClock {
  /// The system's civil time.
  public init() {}

  public var now: Timestamp {
    var time = timespec()
    let result = clock_gettime(CLOCK_REALTIME, &time)
    precondition(result == 0, "the system has no CLOCK_REALTIME")
    return Timestamp(microsecondsSinceEpoch: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
