internal import Logging
package import Seams
internal import Synchronization

/// One broker connection that is always there: opened when somebody needs it, opened again after it broke, with the
/// topology declared before anybody gets it.
///
/// It has no task of its own. Whoever comes first opens the connection while the others wait; after a failure the next
/// attempt waits for a back-off that grows, whoever asks.
package final class BrokerSession: Sendable {
  /// The limits of a session.
  package struct Options: Sendable, Hashable {
    /// How long one attempt to connect and to declare the topology may take.
    package var connectTimeout = Duration.seconds(5)
    /// How long a request of the session's own may take.
    package var requestTimeout = Duration.seconds(10)
    /// The pause after the first failure; it doubles with each one after.
    package var baseBackOff = Duration.milliseconds(100)
    /// The longest pause.
    package var maximumBackOff = Duration.seconds(10)
    /// How far a pause may lie from its nominal length, as a fraction of it.
    package var jitter = 0.3

    package init() {}
  }

  struct State {
    var connection: (any BrokerConnection)?
    var isConnecting = false
    var failures = 0
    /// No attempt before this.
    var notBefore = MonotonicInstant(nanoseconds: .min)
    var lastError: BrokerError?
    var isShutDown = false
    var waiters: [Int: UnsafeContinuation<Void, Never>] = [:]
    var nextWaiter = 0
    /// How often a connection was opened.
    var connections = 0
  }

  private let connector: any BrokerConnector
  private let topology: BrokerTopology
  let environment: ServiceEnvironment
  let options: Options
  let state = Mutex(State())

  /// A session over `connector`.
  ///
  /// - Parameter topology: what is declared on every new connection.
  package init(
    connector: any BrokerConnector, topology: BrokerTopology, environment: ServiceEnvironment,
    options: Options = Options()
  ) {
    self.connector = connector
    self.topology = topology
    self.environment = environment
    self.options = options
  }

  /// Whether a connection is open, as far as this side knows: for a health check.
  package var isConnected: Bool { state.withLock { $0.connection?.isOpen ?? false } }

  /// How often a connection was opened.
  package var connectionCount: Int { state.withLock { $0.connections } }

  /// A new channel, on the connection that is open or on a new one.
  ///
  /// - Throws: ``BrokerError`` of the last attempt when there is none before `deadline`, or at once when the broker
  ///   refuses the topology or the sign-in for good; `CancellationError`.
  package func channel(deadline: MonotonicInstant) async throws -> any BrokerChannel {
    while true {
      let connection = try await connection(deadline: deadline)
      do {
        return try await connection.openChannel(deadline: deadline)
      } catch let error as BrokerError {
        // An open connection that opens no channel in time is not of use either.
        connection.close()
        guard error.code == .closed || error.code == .connectionLost, environment.clock.now < deadline else {
          throw error
        }
      }
    }
  }

  /// Declares the topology anew: a queue may have been deleted under its consumers.
  ///
  /// - Throws: ``BrokerError``; `CancellationError`.
  package func restoreTopology(deadline: MonotonicInstant) async throws {
    let channel = try await channel(deadline: deadline)
    defer { channel.close() }
    try await channel.declare(topology, deadline: deadline)
  }

  /// Closes the connection and refuses further use.
  package func shutdown() {
    let (connection, waiters) = state.withLock { state in
      state.isShutDown = true
      defer { state.connection = nil }
      return (state.connection, state.takeWaiters())
    }
    connection?.close()
    for waiter in waiters { waiter.resume() }
  }

  // MARK: - Connecting

  private enum Decision {
    case use(any BrokerConnection)
    case connect(notBefore: MonotonicInstant)
    case wait
    case fail(BrokerError)
  }

  private func connection(deadline: MonotonicInstant) async throws -> any BrokerConnection {
    while true {
      try Task.checkCancellation()
      switch state.withLock({ decide(&$0, deadline) }) {
      case .use(let connection): return connection
      case .fail(let error): throw error
      case .wait: try await wait(deadline: deadline)
      case .connect(let notBefore): try await connect(notBefore: notBefore, deadline: deadline)
      }
    }
  }

  private func decide(_ state: inout State, _ deadline: MonotonicInstant) -> Decision {
    if state.isShutDown { return .fail(BrokerError(.closed, message: "the broker session is shut down")) }
    if let connection = state.connection {
      if connection.isOpen { return .use(connection) }
      state.connection = nil
    }
    let now = environment.clock.now
    if now >= deadline || (!state.isConnecting && state.notBefore >= deadline) {
      return .fail(
        state.lastError ?? BrokerError(.connectFailed, message: "the broker was not reached before the deadline"))
    }
    if state.isConnecting { return .wait }
    state.isConnecting = true
    return .connect(notBefore: state.notBefore)
  }

  /// One attempt, by the caller that got the turn.
  ///
  /// - Throws: what makes no sense to try again; `CancellationError`. The turn is given back in any case.
  private func connect(notBefore: MonotonicInstant, deadline: MonotonicInstant) async throws {
    defer {
      let waiters = state.withLock { state in
        state.isConnecting = false
        return state.takeWaiters()
      }
      for waiter in waiters { waiter.resume() }
    }
    if notBefore > environment.clock.now {
      try await environment.clock.sleep(until: notBefore, tolerance: nil)
    }
    let limit = environment.clock.now.advanced(by: options.connectTimeout)
    do {
      let connection = try await connector.connect(deadline: limit)
      do {
        try await prepare(connection, deadline: limit)
      } catch {
        connection.close()
        throw error
      }
      let isShutDown = state.withLock { state in
        if !state.isShutDown { state.connection = connection }
        state.failures = 0
        state.lastError = nil
        state.connections += 1
        return state.isShutDown
      }
      if isShutDown { connection.close() }
    } catch let error as BrokerError {
      failed(error)
      if error.disposition == .permanent { throw error }
    }
  }

  private func prepare(_ connection: any BrokerConnection, deadline: MonotonicInstant) async throws {
    let channel = try await connection.openChannel(deadline: deadline)
    try await channel.declare(topology, deadline: deadline)
    channel.close()
  }

  private func failed(_ error: BrokerError) {
    let pause = state.withLock { state in
      state.failures += 1
      state.lastError = error
      let nominal = min(options.maximumBackOff, options.baseBackOff * (1 << min(state.failures - 1, 20)))
      let pause = environment.entropy.jittered(nominal, spread: options.jitter)
      state.notBefore = environment.clock.now.advanced(by: pause)
      return pause
    }
    environment.logger.warning(
      "connecting to the broker failed", metadata: ["error": .string("\(error)"), "pause": .string("\(pause)")])
  }

  // MARK: - Waiting for another's attempt

  private func wait(deadline: MonotonicInstant) async throws {
    do {
      try await withDeadline(deadline, clock: environment.clock) { await self.waitForTurn() }
    } catch is DeadlineExceeded {
      // The next look says with which error.
    }
  }

  private func waitForTurn() async {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let isOver = state.withLock { state in
          // Cancelled, or the attempt ended before we were on the list.
          if Task.isCancelled || !state.isConnecting { return true }
          state.waiters[number] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
    }
  }
}

extension BrokerSession.State {
  /// Everybody who waits, in the order of their coming.
  mutating func takeWaiters() -> [UnsafeContinuation<Void, Never>] {
    let list = waiters.keys.sorted().compactMap { waiters[$0] }
    waiters = [:]
    return list
  }
}
