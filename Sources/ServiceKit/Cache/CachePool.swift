internal import Logging
package import Seams
internal import Synchronization

/// Sends commands over a few shared connections to one Redis.
///
/// Connections are shared, not lent: Redis runs one command at a time and answers in order, so that a call which waits
/// for its answer need not keep others from sending. One connection carries what ten exclusive ones would, with fewer
/// system calls; more than one is opened when each has ``Options/callsPerConnection`` calls under way, so that a large
/// answer or a slow script holds up only those behind it. A caller goes to the connection with the least under way.
///
/// After a failed attempt to connect nobody tries for a while that doubles each time. A call that was lost without
/// effect is sent again. What changes a connection's state (SELECT, a MULTI without its EXEC) is refused.
package final class CachePool: CacheClient {
  /// The limits of a pool.
  package struct Options: Sendable, Hashable {
    /// The most connections.
    package var size = 10
    /// How long opening one may take.
    package var connectTimeout: Duration = .seconds(5)
    /// How many may be opened at the same time.
    package var maximumConnecting = 2
    /// When every connection has so many calls under way, ``CachePool/run()`` opens another.
    package var callsPerConnection = 16
    /// More than so many calls are not sent on one connection: callers wait.
    package var maximumCalls = 1024
    /// How often a call may be sent, the first time included.
    package var attempts = 3
    /// The pause after a first failed attempt to connect; it doubles with each one after.
    package var baseBackOff: Duration = .milliseconds(100)
    /// The longest pause.
    package var maximumBackOff: Duration = .seconds(5)
    /// A connection that was idle for this long is checked.
    package var checkAfterIdle: Duration = .seconds(30)
    /// How long a check may take.
    package var checkTimeout: Duration = .seconds(2)
    /// How often ``CachePool/run()`` looks at idle connections.
    package var maintenanceInterval: Duration = .seconds(15)

    /// The default limits.
    package init(size: Int = 10) {
      precondition(size > 0, "a pool of no connection")
      self.size = size
    }
  }

  let connector: any CacheConnector
  let environment: ServiceEnvironment
  let options: Options
  let state: Mutex<CachePoolState>
  /// Rung when the pool wants another connection.
  let growth = Doorbell()
  /// Rung when nothing is under way any more in a pool that is shut down.
  let drained = Doorbell()

  /// A pool that opens connections with `connector` as they are needed.
  package init(connector: any CacheConnector, environment: ServiceEnvironment, options: Options = Options()) {
    self.connector = connector
    self.environment = environment
    self.options = options
    state = Mutex(CachePoolState(options: options))
  }

  /// How the pool stands now.
  package var figures: CachePoolFigures { state.withLock { $0.snapshot } }

  /// Sends commands as one unit on one of the connections.
  ///
  /// - Throws: as ``CacheClient/send(_:deadline:)``; ``CacheError`` `poolExhausted` when there was no connection before
  ///   the deadline, with the last failure to connect as its cause, and once the pool is shut down; `refused` for what
  ///   would change a shared connection.
  package func send(_ commands: [CacheCommand], deadline: MonotonicInstant) async throws -> [CacheReply] {
    if commands.isEmpty { return [] }
    try CachePool.checkShareable(commands)
    var attempt = 1
    while true {
      let connection = try await acquire(deadline: deadline)
      let result: Result<[CacheReply], any Error>
      do {
        result = .success(try await connection.send(commands, deadline: deadline))
      } catch {
        result = .failure(error)
      }
      let isWrongServer = CachePool.isWrongServer(result)
      release(connection, isWrongServer: isWrongServer)
      let maySendAgain = isWrongServer ? commands.count == 1 : CachePool.wasLostWithoutEffect(result)
      guard maySendAgain, attempt < options.attempts, !Task.isCancelled else { return try result.get() }
      attempt += 1
      state.withLock { $0.figures.retries += 1 }
    }
  }

  /// Lets through what leaves a connection as it was: ordinary commands, and MULTI with its EXEC or DISCARD.
  private static func checkShareable(_ commands: [CacheCommand]) throws {
    var isOpen = false
    for command in commands where command.scope != .work {
      switch (command.name, isOpen) {
      case ("MULTI", false): isOpen = true
      case ("EXEC", true), ("DISCARD", true): isOpen = false
      default: throw CacheError(.refused, message: "\(command.name) would change a connection that others share")
      }
    }
    if isOpen { throw CacheError(.refused, message: "MULTI without EXEC would change a connection that others share") }
  }

  private static func isWrongServer(_ result: Result<[CacheReply], any Error>) -> Bool {
    guard case .success(let replies) = result else { return false }
    return replies.contains { reply in
      if case .error(let error) = reply { error.isWrongServer } else { false }
    }
  }

  private static func wasLostWithoutEffect(_ result: Result<[CacheReply], any Error>) -> Bool {
    guard case .failure(let error as CacheError) = result, error.disposition == .retryable else { return false }
    return error.code == .connectionLost || error.code == .connectionClosed
  }
}
