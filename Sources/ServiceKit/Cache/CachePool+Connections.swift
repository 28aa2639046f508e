internal import Logging
internal import Seams
internal import Synchronization

/// Getting, opening and giving back connections.
extension CachePool {
  /// A connection to send on, with a place taken.
  func acquire(deadline: MonotonicInstant) async throws -> any CacheConnection {
    let start = environment.clock.now
    var now = start
    var wasWoken = false
    while true {
      if Task.isCancelled || now >= deadline && now > start {
        // Whoever is woken and does not send wakes the next.
        if wasWoken { for bell in state.withLock({ $0.takeWaiters(1) }) { bell.ring() } }
        throw Task.isCancelled ? CancellationError() : exhausted(since: start, now: now)
      }
      let (decision, wantsGrowth) = state.withLock { state in
        (state.decide(now: now, deadline: deadline), state.wantsGrowth(now: now))
      }
      if wantsGrowth { growth.ring() }
      switch decision {
      case .closed:
        throw CacheError(.poolExhausted, message: "the pool is shut down")
      case .use(let connection):
        return taken(connection, since: start)
      case .connect:
        if let connection = try await open(deadline: deadline, isTaken: true) { return taken(connection, since: start) }
      case .wait(let bell, let wakeAt):
        await wait(for: bell, until: wakeAt)
        wasWoken = !state.withLock { $0.stopWaiting(bell) }
      }
      now = environment.clock.now
    }
  }

  private func taken(_ connection: any CacheConnection, since start: MonotonicInstant) -> any CacheConnection {
    let waited = start.duration(to: environment.clock.now)
    guard waited > .zero else { return connection }
    state.withLock { state in
      state.figures.waitTotal += waited
      state.figures.waitMaximum = max(state.figures.waitMaximum, waited)
    }
    return connection
  }

  private func exhausted(since start: MonotonicInstant, now: MonotonicInstant) -> CacheError {
    let (figures, cause) = state.withLock { state in
      state.figures.timeouts += 1
      return (state.snapshot, state.lastFailure)
    }
    let waited = start.duration(to: now).nanosecondsClamped / 1_000_000
    return CacheError(
      .poolExhausted,
      message: "no connection within \(waited) ms: \(figures.open) of \(figures.size) open with \(figures.inFlight) "
        + "calls, \(figures.connecting) connecting, \(figures.waiting) other callers waiting",
      cause: cause)
  }

  /// Opens a connection with the caller's permit to do so; `nil` when the attempt failed and others may follow.
  ///
  /// - Throws: what is no failure of the cache: the caller's cancellation.
  func open(deadline: MonotonicInstant, isTaken: Bool) async throws -> (any CacheConnection)? {
    let limit = min(deadline, environment.clock.now.advanced(by: options.connectTimeout))
    do {
      let connection = try await connector.connect(deadline: limit)
      let (bells, isClosed) = state.withLock { state in
        let bells = state.connectSucceeded(connection, now: environment.clock.now, isTaken: isTaken)
        return (bells, state.isClosed)
      }
      for bell in bells { bell.ring() }
      guard isClosed else { return connection }
      // The pool was shut down meanwhile.
      connection.close()
      if isTaken { release(connection, isWrongServer: false) }
      return nil
    } catch let error as CacheError {
      let bells = state.withLock { state in
        state.connectFailed(error, now: environment.clock.now, entropy: environment.entropy)
      }
      for bell in bells { bell.ring() }
      environment.logger.warning("connecting to the cache failed", metadata: ["error": .string("\(error)")])
      return nil
    } catch {
      for bell in state.withLock({ $0.connectAbandoned() }) { bell.ring() }
      throw error
    }
  }

  /// A call has ended.
  func release(_ connection: any CacheConnection, isWrongServer: Bool) {
    let (bells, isDrained) = state.withLock { state in
      let bells = state.release(connection, now: environment.clock.now, isWrongServer: isWrongServer)
      return (bells, state.isClosed && state.inFlight == 0)
    }
    for bell in bells { bell.ring() }
    if isDrained { drained.ring() }
  }

  /// Waits for a ring, not longer than until `instant`; returns when the task is cancelled.
  func wait(for bell: Doorbell, until instant: MonotonicInstant) async {
    let clock = environment.clock
    await withTaskGroup(of: Void.self) { group in
      if instant < .distantFuture {
        group.addTask {
          do {
            try await clock.sleep(until: instant, tolerance: nil)
          } catch is CancellationError {
            // The wait is over. A ring now would be kept for the next one.
            return
          } catch {
            // The clock is that of a process that has ended: so does the wait.
          }
          bell.ring()
        }
      }
      try? await bell.wait()
      group.cancelAll()
    }
  }
}
