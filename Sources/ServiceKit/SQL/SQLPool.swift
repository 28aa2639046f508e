internal import Logging
package import Seams
internal import Synchronization

/// Lends the connections of one database to its callers, first come, first served.
///
/// A caller that finds an idle connection takes it without any task or wait. One that finds none opens one itself while
/// the pool has room, or waits for its turn until its deadline. After a failed attempt to connect nobody tries for a
/// while that doubles each time, and then one caller does; the others wait for what it finds.
package final class SQLPool: Sendable {
  /// The limits of a pool.
  package struct Options: Sendable, Hashable {
    /// The most connections.
    package var size = 20
    /// How long opening one may take.
    package var connectTimeout: Duration = .seconds(5)
    /// How many may be opened at the same time.
    package var maximumConnecting = 4
    /// The pause after a first failed attempt to connect; it doubles with each one after.
    package var baseBackOff: Duration = .milliseconds(100)
    /// The longest pause.
    package var maximumBackOff: Duration = .seconds(5)
    /// A connection that was idle for this long is checked before it is used.
    package var checkAfterIdle: Duration = .seconds(30)
    /// How long a check or a rollback may take.
    package var checkTimeout: Duration = .seconds(2)
    /// How often ``SQLPool/run()`` looks at idle connections.
    package var maintenanceInterval: Duration = .seconds(15)
    /// A connection older than this is closed when it is returned; `nil`: never.
    package var maximumLifetime: Duration?

    /// The default limits.
    package init(size: Int = 20) {
      precondition(size > 0, "a pool of no connection")
      self.size = size
    }
  }

  let connector: any SQLConnector
  let environment: ServiceEnvironment
  let options: Options
  let state: Mutex<SQLPoolState>

  /// A pool that opens connections with `connector` as they are needed.
  package init(connector: any SQLConnector, environment: ServiceEnvironment, options: Options = Options()) {
    self.connector = connector
    self.environment = environment
    self.options = options
    state = Mutex(SQLPoolState(options: options))
  }

  /// How the pool stands now.
  package var figures: SQLPoolFigures { state.withLock { $0.snapshot } }

  /// Lends a connection to `body`.
  ///
  /// A connection that comes back inside a transaction is rolled back; one that cannot be is closed.
  ///
  /// - Parameter deadline: how long to wait for a connection.
  /// - Throws: ``SQLError`` `poolExhausted` at the deadline, with the last failure to connect as its cause while the
  ///   database cannot be reached, and once the pool is shut down; what `body` throws.
  package func withConnection<R>(
    deadline: MonotonicInstant, _ body: (any SQLConnection) async throws -> R
  ) async throws -> R {
    let connection = try await acquire(deadline: deadline)
    do {
      let result = try await body(connection)
      await release(connection)
      return result
    } catch {
      await release(connection)
      throw error
    }
  }

  private func acquire(deadline: MonotonicInstant) async throws -> any SQLConnection {
    let start = environment.clock.now
    var now = start
    var ticket: UInt64?
    var hasPermit = false
    while true {
      let decision: PoolDecision
      if hasPermit {
        decision = .connect
      } else {
        if Task.isCancelled {
          passOn()
          throw CancellationError()
        }
        decision = state.withLock { $0.decide(now: now, deadline: deadline, ticket: &ticket) }
      }
      hasPermit = false
      switch decision {
      case .closed:
        throw SQLPool.isShutDown
      case .use(let connection):
        if let usable = await checked(connection, deadline: deadline) { return lent(usable, since: start) }
      case .connect:
        if let opened = try await open(deadline: deadline) { return lent(opened, since: start) }
      case .wait(let waiter, let wakeAt):
        switch await wait(waiter, until: wakeAt) {
        case .connection(let connection):
          if let usable = await checked(connection, deadline: deadline) { return lent(usable, since: start) }
        case .connect: hasPermit = true
        case .reconsider: break
        }
      }
      now = environment.clock.now
      if now >= deadline {
        if hasPermit { giveBackPermit() } else { passOn() }
        throw exhausted(since: start, now: now)
      }
    }
  }

  private func lent(_ connection: any SQLConnection, since start: MonotonicInstant) -> any SQLConnection {
    let waited = start.duration(to: environment.clock.now)
    state.withLock { state in
      state.figures.acquired += 1
      state.figures.waitTotal += waited
      if waited > state.figures.waitMaximum { state.figures.waitMaximum = waited }
    }
    return connection
  }

  private func exhausted(since start: MonotonicInstant, now: MonotonicInstant) -> SQLError {
    let (figures, cause) = state.withLock { state in
      state.figures.timeouts += 1
      return (state.snapshot, state.lastFailure)
    }
    let waited = start.duration(to: now).nanosecondsClamped / 1_000_000
    return SQLError(
      .poolExhausted,
      message: "no connection within \(waited) ms: \(figures.inUse) of \(figures.size) in use, "
        + "\(figures.connecting) connecting, \(figures.waiting) other callers waiting",
      cause: cause)
  }
}
