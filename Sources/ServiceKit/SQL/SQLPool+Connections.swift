internal import Logging
internal import Seams
internal import Synchronization

/// Opening, checking and returning connections.
extension SQLPool {
  /// Not `connectionClosed`, which another try on this pool would be the answer to.
  static var isShutDown: SQLError { SQLError(.poolExhausted, message: "the pool is shut down") }

  /// Opens a connection with the caller's permit to do so; `nil` when the attempt failed and others may follow.
  ///
  /// - Throws: what is no failure of the database: the caller's cancellation, the pool's end.
  func open(deadline: MonotonicInstant) async throws -> (any SQLConnection)? {
    let limit = min(deadline, environment.clock.now.advanced(by: options.connectTimeout))
    let connection: any SQLConnection
    do {
      connection = try await connector.connect(deadline: limit)
    } catch let error as SQLError {
      let drained = state.withLock { state in
        state.connectFailed(error, now: environment.clock.now, entropy: environment.entropy)
        return state.takeDrainWaiterIfDrained()
      }
      drained?.resume()
      environment.logger.warning("connecting to the database failed", metadata: ["error": .string("\(error)")])
      return nil
    } catch {
      giveBackPermit()
      throw error
    }
    let now = environment.clock.now
    let pooled = PooledConnection(connection: connection, openedAt: now, idleSince: now)
    let isClosed = state.withLock { state in
      state.connectSucceeded(pooled)
      return state.isClosed
    }
    passOn()
    guard isClosed else { return connection }
    discard(connection)
    throw SQLPool.isShutDown
  }

  /// A connection that was lent out, once it is known to work; `nil` when it was not and is closed now.
  func checked(_ pooled: PooledConnection, deadline: MonotonicInstant) async -> (any SQLConnection)? {
    let connection = pooled.connection
    let now = environment.clock.now
    if connection.status == .idle, pooled.idleSince.advanced(by: options.checkAfterIdle) > now { return connection }
    if connection.status == .idle {
      let limit = min(deadline, now.advanced(by: options.checkTimeout))
      do {
        _ = try await connection.execute("SELECT 1", deadline: limit)
        if connection.status == .idle { return connection }
      } catch {
        environment.logger.info("an idle connection was dead", metadata: ["error": .string("\(error)")])
      }
    }
    discard(connection)
    return nil
  }

  /// Takes back a connection, clean or closed.
  func release(_ connection: any SQLConnection) async {
    switch connection.status {
    case .idle, .closed: break
    case .inTransaction, .inFailedTransaction:
      let limit = environment.clock.now.advanced(by: options.checkTimeout)
      do {
        _ = try await connection.execute("ROLLBACK", deadline: limit)
      } catch {
        // Closing it rolls back too.
        connection.close()
      }
    }
    guard connection.status == .idle else { return discard(connection) }
    let now = environment.clock.now
    let (resumptions, drained, isOver) = state.withLock { state in
      var pooled = state.endLease(connection)
      let isOld = options.maximumLifetime.map { pooled.openedAt.advanced(by: $0) <= now } ?? false
      let isOver = state.isClosed || isOld
      if isOver {
        state.figures.discarded += 1
      } else {
        pooled.idleSince = now
        state.idle.append(pooled)
      }
      return (state.pump(now: now), state.takeDrainWaiterIfDrained(), isOver)
    }
    if isOver { connection.close() }
    for resumption in resumptions { resumption.run() }
    drained?.resume()
  }

  /// Closes a connection that is lent out, which makes room for another.
  func discard(_ connection: any SQLConnection) {
    connection.close()
    let (resumptions, drained) = state.withLock { state in
      _ = state.endLease(connection)
      state.figures.discarded += 1
      return (state.pump(now: environment.clock.now), state.takeDrainWaiterIfDrained())
    }
    for resumption in resumptions { resumption.run() }
    drained?.resume()
  }

  /// Ends a permit to connect that was not used.
  func giveBackPermit() {
    let drained = state.withLock { state in
      state.connecting -= 1
      return state.takeDrainWaiterIfDrained()
    }
    drained?.resume()
    passOn()
  }

  /// Wakes those who can go on, after the caller has left the queue or made room.
  func passOn() {
    let resumptions = state.withLock { state in
      state.waiters.isEmpty ? [] : state.pump(now: environment.clock.now)
    }
    for resumption in resumptions { resumption.run() }
  }

  /// Waits until the waiter is granted something, and at `wakeAt` or on cancellation to decide anew.
  func wait(_ waiter: PoolWaiter, until wakeAt: MonotonicInstant) async -> PoolGrant {
    let clock = environment.clock
    return await withTaskGroup(of: Void.self) { group in
      if wakeAt < .distantFuture {
        group.addTask {
          do {
            try await clock.sleep(until: wakeAt, tolerance: nil)
            self.wake(waiter)
          } catch is CancellationError {
          } catch {
            // The clock is that of a process that has ended: so does the wait.
            self.wake(waiter)
          }
        }
      }
      defer { group.cancelAll() }
      return await withTaskCancellationHandler {
        await withUnsafeContinuation { continuation in
          let early = state.withLock { state in
            let grant = waiter.grant.take()
            if grant == nil { waiter.continuation = continuation }
            return grant
          }
          if let early { continuation.resume(returning: early) }
        }
      } onCancel: {
        self.wake(waiter)
      }
    }
  }

  private func wake(_ waiter: PoolWaiter) {
    let resumption = state.withLock { state in
      waiter.isQueued ? state.grant(waiter, .reconsider) : nil
    }
    resumption?.run()
  }
}
