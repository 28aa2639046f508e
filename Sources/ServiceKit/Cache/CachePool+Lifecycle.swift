internal import Logging
package import Seams
internal import Synchronization

extension CachePool {
  /// Opens further connections when they are wanted and checks idle ones, until the task is cancelled or the pool is shut
  /// down; then returns within one interval.
  ///
  /// The pool works without it, on one connection, and then finds a dead idle connection only when a caller comes.
  ///
  /// - Throws: `CancellationError`.
  package func run() async throws {
    var nextCheck = environment.clock.now.advanced(by: options.maintenanceInterval)
    while !state.withLock({ $0.isClosed }) {
      await wait(for: growth, until: nextCheck)
      try Task.checkCancellation()
      let now = environment.clock.now
      if state.withLock({ $0.wantsGrowth(now: now) && $0.mayConnect(now) }) {
        _ = try await open(deadline: .distantFuture, isTaken: false)
      }
      guard now >= nextCheck else { continue }
      await maintain()
      nextCheck = environment.clock.now.advanced(by: options.maintenanceInterval)
    }
  }

  /// Checks each connection that has been idle for too long, one after the other.
  func maintain() async {
    let limit = environment.clock.now
    let before = MonotonicInstant(nanoseconds: limit.nanoseconds - options.checkAfterIdle.nanosecondsClamped)
    while let connection = state.withLock({ $0.takeIdle(before: before) }) {
      do {
        let deadline = environment.clock.now.advanced(by: options.checkTimeout)
        _ = try await connection.execute(.ping, deadline: deadline)
      } catch {
        environment.logger.info("an idle cache connection was dead", metadata: ["error": .string("\(error)")])
        connection.close()
      }
      release(connection, isWrongServer: false)
    }
  }

  /// Refuses new callers and those that wait, waits for the calls under way, and closes every connection.
  ///
  /// - Parameter deadline: when calls that are still under way are failed.
  package func shutdown(deadline: MonotonicInstant) async {
    let (bells, isDrained) = state.withLock { state in
      let bells = state.close()
      return (bells, state.inFlight == 0)
    }
    for bell in bells { bell.ring() }
    growth.ring()
    if !isDrained { await wait(for: drained, until: deadline) }
    let connections = state.withLock { $0.lanes.map(\.connection) }
    for connection in connections { connection.close() }
    state.withLock { $0.sweep() }
  }
}
