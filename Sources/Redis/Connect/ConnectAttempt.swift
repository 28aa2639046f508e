internal import Logging
internal import Reactor
internal import Seams

/// One call of `connect`, on its helper thread.
struct ConnectAttempt {
  let connector: RedisConnector
  let call: HelperCall<RedisConnection>

  private var configuration: RedisConfiguration { connector.configuration }

  func run() -> Result<RedisLink, ConnectFailure> {
    switch configuration.target {
    case .server(let host):
      return link(to: host, until: call.share(among: 1)).flatMap { signIn($0, at: host, mustBePrimary: false) }
    case .primary(let name, let sentinels): return search(name, sentinels)
    }
  }

  /// Asks one sentinel after the other until one names a server that is the primary ("Guidelines for Redis clients with
  /// support for Redis Sentinel").
  private func search(_ name: String, _ sentinels: [RedisConfiguration.Host]) -> Result<RedisLink, ConnectFailure> {
    var failures: [ConnectFailure] = []
    for (index, sentinel) in sentinels.enumerated() {
      let limit = call.share(among: sentinels.count - index)
      switch ask(sentinel, for: name, until: limit).flatMap({ connectPrimary($0, until: limit) }) {
      case .success(let link): return .success(link)
      case .failure(let failure): failures.append(failure)
      }
      if call.isOver { break }
    }
    let message = failures.map(\.message).joined(separator: "; ")
    return .failure(ConnectFailure(message, prefix: failures.last { $0.prefix != nil }?.prefix))
  }

  private func connectPrimary(_ host: RedisConfiguration.Host, until limit: Int64) -> Result<RedisLink, ConnectFailure>
  {
    connector.logger.debug("the sentinels' primary is \(host)")
    return link(to: host, until: limit).flatMap { signIn($0, at: host, mustBePrimary: true) }
  }

  private func ask(
    _ sentinel: RedisConfiguration.Host, for name: String, until limit: Int64
  ) -> Result<RedisConfiguration.Host, ConnectFailure> {
    link(to: sentinel, until: limit).flatMap { link in
      link.exchange([CacheCommand("SENTINEL", "get-master-addr-by-name", name)], limit).mapError {
        ConnectFailure("sentinel \(sentinel): \($0.message)")
      }
    }.flatMap { replies in
      if case .error(let error) = replies[0] {
        return .failure(ConnectFailure(sentinel, refusing: "get-master-addr-by-name", with: error))
      }
      guard let parts = try? replies[0].array, parts.count == 2, let address = try? parts[0].text,
        let port = (try? parts[1].text).flatMap({ UInt16($0) })
      else { return .failure(ConnectFailure("sentinel \(sentinel) knows no primary named \(name)")) }
      return .success(RedisConfiguration.Host(name: address, port: port))
    }
  }

  /// A socket that is connected to one of the host's addresses.
  private func link(to host: RedisConfiguration.Host, until limit: Int64) -> Result<RedisLink, ConnectFailure> {
    let addresses: [String]
    switch AddressLookup.resolve(host.name) {
    case .addresses(let found): addresses = found
    case .failed(let why): return .failure(ConnectFailure("\(host): the name was not resolved: \(why)"))
    }
    var last = ConnectFailure("\(host): no address")
    for (index, address) in addresses.enumerated() {
      if call.isOver { break }
      let now = Reactor.now
      let until = limit == .max ? limit : now + max(0, limit - now) / Int64(addresses.count - index)
      do {
        let socket = try RedisSocket(address: address, port: host.port)
        switch call.alarm.wait(for: socket.descriptor, writing: true, until: until) {
        case .ready: break
        case .timedOut: throw SocketFailure(message: "no answer in time")
        case .rung: throw SocketFailure(message: "given up")
        }
        let code = socket.connectError
        guard code == 0 else { throw SocketFailure(errno: code) }
        return .success(RedisLink(socket: socket, reader: HiredisReader(), alarm: call.alarm))
      } catch let failure as SocketFailure {
        last = ConnectFailure("\(host): \(failure.message)")
      } catch {
        last = ConnectFailure("\(host): \(error)")
      }
    }
    return .failure(last)
  }

  /// Signs in, chooses the database and names the connection, all in one round trip.
  private func signIn(
    _ link: RedisLink, at host: RedisConfiguration.Host, mustBePrimary: Bool
  ) -> Result<RedisLink, ConnectFailure> {
    var steps: [(name: String, command: CacheCommand)] = []
    if let password = configuration.password {
      let credentials: [any CacheArgument] = configuration.user.map { [$0, password] } ?? [password]
      steps.append(("signing in", CacheCommand("AUTH", credentials)))
    }
    steps.append(("choosing the database", CacheCommand("SELECT", configuration.database)))
    steps.append(("naming the connection", CacheCommand("CLIENT", "SETNAME", configuration.clientName)))
    if mustBePrimary { steps.append(("asking for its role", CacheCommand("ROLE"))) }
    return link.exchange(steps.map(\.command), call.share(among: 1)).mapError {
      ConnectFailure("\(host): \($0.message)")
    }.flatMap { replies in
      for (step, reply) in zip(steps, replies) {
        if case .error(let error) = reply {
          return .failure(ConnectFailure(host, refusing: step.name, with: error))
        }
      }
      if mustBePrimary {
        // Sentinels may name the old primary for a while: it has restarted as a replica.
        let role = (try? replies[replies.count - 1].array.first?.text) ?? nil
        guard role == "master" else {
          return .failure(ConnectFailure("\(host): the sentinels call it primary, it is \(role ?? "unknown")"))
        }
      }
      return .success(link)
    }
  }
}
