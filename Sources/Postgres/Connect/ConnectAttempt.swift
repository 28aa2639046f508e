internal import CLibPQ
internal import Glibc
internal import Logging
internal import Seams
internal import Synchronization

/// One call of `connect`: a helper thread goes through hosts and addresses while the caller waits no longer than the
/// deadline, whatever the thread is stuck in.
final class ConnectAttempt: ReactorHandler {
  private struct State {
    var continuation: UnsafeContinuation<PostgresConnection, any Error>?
    var isOver = false
    var registration: Reactor.Registration?
  }

  private let connector: PostgresConnector
  /// On the reactor's time line.
  private let deadline: Int64
  private let state = Mutex(State())
  private let alarm = AlarmDescriptor()

  init(connector: PostgresConnector, deadline: Int64) {
    self.connector = connector
    self.deadline = deadline
  }

  func start(_ continuation: UnsafeContinuation<PostgresConnection, any Error>) {
    let isOver = state.withLock { state in
      if !state.isOver { state.continuation = continuation }
      return state.isOver
    }
    if isOver { return continuation.resume(throwing: CancellationError()) }
    guard HelperThread.start({ self.run() }) else {
      return finish(.failure(failed("the system has no thread left")))
    }
    guard deadline != .max else { return }
    state.withLock { state in
      guard !state.isOver else { return }
      let registration = connector.reactor.register(alarm.descriptor, handler: self)
      state.registration = registration
      connector.reactor.setTimer(registration, at: deadline)
    }
  }

  func cancel() { finish(.failure(CancellationError())) }

  func reactorDescriptorIsReady(_ reactor: Reactor) {}

  func reactorTimerHasFired(_ reactor: Reactor) {
    finish(.failure(failed("no answer before the deadline")))
  }

  private func finish(_ result: Result<PostgresConnection, any Error>) {
    let continuation = state.withLock { state in
      state.isOver = true
      if let registration = state.registration { connector.reactor.deregister(registration, alarm.descriptor) }
      state.registration = nil
      defer { state.continuation = nil }
      return state.continuation
    }
    alarm.ring()
    guard let continuation else {
      if case .success(let connection) = result { connection.close() }
      return
    }
    continuation.resume(with: result)
  }

  private var isOver: Bool { state.withLock { $0.isOver } }

  private func failed(_ why: String, _ state: SQLState? = nil) -> SQLError {
    SQLError(.connectFailed, sqlState: state, message: "cannot connect to \(connector.configuration): \(why)")
  }

  // MARK: - On the helper thread

  private func run() {
    let configuration = connector.configuration
    var failures: [ConnectFailure] = []
    // libpq makes two rounds for prefer-standby; as it sees one host at a time here, the rounds are made here.
    let wanted = configuration.value(of: "target_session_attrs")
    for attributes in wanted == "prefer-standby" ? ["standby", "any"] : [wanted] {
      failures = []
      for (index, host) in configuration.hosts.enumerated() {
        let slice = self.slice(of: configuration.hosts.count - index)
        switch connect(to: host, attributes, until: slice) {
        case .success(let link): return deliver(link)
        case .failure(let failure):
          failures.append(failure)
          if isOver { return }
        }
        // A server that refuses the sign-in is the right server: libpq does not go on from there either.
        if failures.last?.isSignInRefused == true { break }
      }
      if failures.last?.isSignInRefused == true { break }
    }
    let message = failures.map(\.message).joined(separator: "; ")
    finish(.failure(failed(message, failures.last { $0.sqlState != nil }?.sqlState)))
  }

  private func deliver(_ link: LibPQConnection) {
    let connection = PostgresConnection(
      link, reactor: connector.reactor, clock: connector.clock, limits: connector.limits, logger: connector.logger)
    finish(.success(connection))
  }

  /// An equal share of the time left for each host not yet tried, so that a dead one leaves time for the others.
  private func slice(of parts: Int) -> Int64 {
    guard deadline != .max else { return .max }
    let now = Reactor.now
    return now + max(0, deadline - now) / Int64(max(1, parts))
  }

  private func connect(
    to host: PostgresConfiguration.Host, _ attributes: String?, until limit: Int64
  ) -> Result<LibPQConnection, ConnectFailure> {
    var addresses: [String?] = [host.address]
    if host.address == nil, let name = host.name, !name.hasPrefix("/"), !name.hasPrefix("@") {
      switch AddressLookup.resolve(name) {
      case .addresses(let found): addresses = found
      case .failed(let why): return .failure(ConnectFailure(message: "\(host): the name was not resolved: \(why)"))
      }
    }
    var last = ConnectFailure(message: "\(host): no address")
    for (index, address) in addresses.enumerated() {
      if isOver { break }
      var until = limit
      let now = Reactor.now
      if limit != .max { until = now + max(0, limit - now) / Int64(addresses.count - index) }
      if let timeout = connector.configuration.timeoutPerAddress {
        until = min(until, now &+ timeout.nanosecondsClamped)
      }
      switch signIn(host, address, attributes, until: until) {
      case .success(let link): return .success(link)
      case .failure(let failure):
        if failure.isSignInRefused { return .failure(failure) }
        last = failure
      }
    }
    return .failure(last)
  }

  private func signIn(
    _ host: PostgresConfiguration.Host, _ address: String?, _ attributes: String?, until limit: Int64
  ) -> Result<LibPQConnection, ConnectFailure> {
    var parameters = connector.configuration.parameters.filter { $0.keyword != "target_session_attrs" }
    if let attributes { parameters.append((keyword: "target_session_attrs", value: attributes)) }
    if let name = host.name { parameters.append((keyword: "host", value: name)) }
    if let address { parameters.append((keyword: "hostaddr", value: address)) }
    parameters.append((keyword: "port", value: host.port))
    guard let link = LibPQConnection(parameters: parameters, logger: connector.logger) else {
      return .failure(ConnectFailure(message: "\(host): out of memory"))
    }
    var polling = link.isBad ? LibPQConnection.Polling.failed : .writing
    while polling == .reading || polling == .writing {
      switch alarm.wait(for: link.socket, writing: polling == .writing, until: limit) {
      case .ready: polling = link.pollConnect()
      case .timedOut: return .failure(ConnectFailure(message: "\(host): no answer in time"))
      case .rung: return .failure(ConnectFailure(message: "\(host): given up"))
      }
    }
    guard polling == .ok, link.setNonblocking() else {
      return .failure(ConnectFailure(host: host, text: link.errorMessage))
    }
    link.makeTerse()
    let setup = SessionSetup(
      link: link, alarm: alarm, limit: limit, settings: connector.configuration.sessionSettings)
    return setup.run().map { link }.mapError {
      ConnectFailure(message: "\(host): \($0.message)", sqlState: $0.sqlState)
    }
  }
}
