internal import Logging
internal import Reactor
internal import Seams

/// One call of `connect`, on its helper thread: goes through hosts and addresses until one gives a connection, or the
/// caller waits no more.
struct ConnectAttempt {
  let connector: PostgresConnector
  let call: HelperCall<PostgresConnection>

  private var isOver: Bool { call.isOver }
  private var alarm: AlarmDescriptor { call.alarm }

  func run() -> Result<PostgresConnection, any Error> {
    let configuration = connector.configuration
    var failures: [ConnectFailure] = []
    // libpq makes two rounds for prefer-standby; as it sees one host at a time here, the rounds are made here.
    let wanted = configuration.value(of: "target_session_attrs")
    for attributes in wanted == "prefer-standby" ? ["standby", "any"] : [wanted] {
      failures = []
      for (index, host) in configuration.hosts.enumerated() {
        let slice = call.share(among: configuration.hosts.count - index)
        switch connect(to: host, attributes, until: slice) {
        case .success(let link): return .success(deliver(link))
        case .failure(let failure):
          failures.append(failure)
          if isOver { return .failure(CancellationError()) }
        }
        // A server that refuses the sign-in is the right server: libpq does not go on from there either.
        if failures.last?.isSignInRefused == true { break }
      }
      if failures.last?.isSignInRefused == true { break }
    }
    let message = failures.map(\.message).joined(separator: "; ")
    return .failure(connector.failed(message, failures.last { $0.sqlState != nil }?.sqlState))
  }

  private func deliver(_ link: LibPQConnection) -> PostgresConnection {
    PostgresConnection(
      link, reactor: connector.reactor, clock: connector.clock, limits: connector.limits, logger: connector.logger)
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
