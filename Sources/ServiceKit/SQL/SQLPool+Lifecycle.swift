internal import Logging
package import Seams
internal import Synchronization

extension SQLPool {
  /// Checks idle connections until the task is cancelled or the pool is shut down; then returns within one interval.
  ///
  /// The pool works without it; it then finds a dead idle connection only when a caller comes for it.
  ///
  /// - Throws: `CancellationError`; what the clock of a process that has ended throws.
  package func run() async throws {
    while !state.withLock({ $0.isClosed }) {
      try await environment.clock.sleep(
        until: environment.clock.now.advanced(by: options.maintenanceInterval), tolerance: nil)
      await maintain()
    }
  }

  /// Checks each connection that has been idle for too long, one after the other, and closes those that are too old.
  func maintain() async {
    while let pooled = takeStale() {
      let now = environment.clock.now
      if let lifetime = options.maximumLifetime, pooled.openedAt.advanced(by: lifetime) <= now {
        discard(pooled.connection)
      } else if await checked(pooled, deadline: now.advanced(by: options.checkTimeout)) != nil {
        await release(pooled.connection)
      }
    }
  }

  private func takeStale() -> PooledConnection? {
    let now = environment.clock.now
    return state.withLock { state in
      guard
        let index = state.idle.firstIndex(where: { pooled in
          pooled.idleSince.advanced(by: options.checkAfterIdle) <= now
            || options.maximumLifetime.map { pooled.openedAt.advanced(by: $0) <= now } ?? false
        })
      else { return nil }
      let pooled = state.idle.remove(at: index)
      state.leased.append(pooled)
      return pooled
    }
  }

  /// Refuses new callers and those that wait, waits for lent connections to come back, and closes all.
  ///
  /// - Parameter deadline: when connections that are still lent are closed under their users.
  package func shutdown(deadline: MonotonicInstant) async {
    let (idle, resumptions) = state.withLock { state in
      state.isClosed = true
      let idle = state.idle
      state.idle = []
      var resumptions: [PoolResumption] = []
      while let first = state.waiters.first {
        state.grant(first, .reconsider).map { resumptions.append($0) }
      }
      return (idle, resumptions)
    }
    for pooled in idle { pooled.connection.close() }
    for resumption in resumptions { resumption.run() }
    do {
      try await withDeadline(deadline, clock: environment.clock) { await self.waitUntilDrained() }
    } catch {
      let lent = state.withLock { $0.leased }
      environment.logger.warning(
        "closing connections that are still in use", metadata: ["count": .stringConvertible(lent.count)])
      for pooled in lent { pooled.connection.close() }
    }
  }

  private func waitUntilDrained() async {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let isDone = state.withLock { state in
          if state.isDrained || Task.isCancelled { return true }
          precondition(state.drainWaiter == nil, "one task shuts a pool down")
          state.drainWaiter = continuation
          return false
        }
        if isDone { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.drainWaiter.take() }?.resume()
    }
  }
}

extension SQLPoolState {
  /// Whether nothing is lent and nothing is being opened.
  var isDrained: Bool { leased.isEmpty && connecting == 0 }

  /// Who waits for the pool's end, once it has come.
  mutating func takeDrainWaiterIfDrained() -> UnsafeContinuation<Void, Never>? {
    isClosed && isDrained ? drainWaiter.take() : nil
  }
}
