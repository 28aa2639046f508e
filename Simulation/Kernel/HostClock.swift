public import Seams

/// A host's monotonic clock: virtual time that runs faster or slower by the host's drift.
public struct HostClock: MonotonicClock {
  let process: SimulatedProcess

  /// The host's own monotonic time, with its drift.
  public var now: MonotonicInstant { process.host.localNow }

  /// A nanosecond, the step of virtual time.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends until the host's clock shows `deadline`; `tolerance` is not used.
  ///
  /// - Throws: `CancellationError`; ``HostDead``.
  public func sleep(until deadline: MonotonicInstant, tolerance: Duration?) async throws {
    let wait = process.pendingWait("sleep")
    guard !wait.isEnded else { return try await wait.wait() }
    let timer = process.host.kernel.schedule(at: process.host.globalInstant(ofLocal: deadline)) { wait.resume() }
    defer { process.host.kernel.cancel(timer) }
    try await wait.wait()
  }
}

/// A host's civil clock: the run's civil time with the host's skew and drift.
public struct HostWallClock: WallClock {
  let host: SimulatedHost

  /// The host's wall time, with its skew and drift.
  public var now: Timestamp { host.wallNow }
}
