internal import Seams
public import SimulatedNetwork
public import SimulationKernel

/// Carries out a plan on a run's hosts, links and database until everything heals.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class FaultInjector: @unchecked Sendable {
  /// What faults are injected into.
  public struct Targets {
    /// A host that answers requests, with the hosts that it needs for it.
    public struct Service {
      public var host: SimulatedHost
      /// Its database and the services that it calls; paths to them fail as those to its clients do.
      public var needs: [SimulatedHost]
      public var usesCache: Bool
      public var usesBroker: Bool

      public init(_ host: SimulatedHost, needs: [SimulatedHost], usesCache: Bool = false, usesBroker: Bool = false) {
        self.host = host
        self.needs = needs
        self.usesCache = usesCache
        self.usesBroker = usesBroker
      }
    }

    public var services: [Service]
    public var clients: [SimulatedHost]
    public var databases: [(host: SimulatedHost?, server: any FaultableDatabase)]
    public var cache: (host: SimulatedHost, server: any FaultableCache)?
    public var broker: (host: SimulatedHost, server: any FaultableBroker)?

    public init(
      services: [Service], clients: [SimulatedHost],
      databases: [(host: SimulatedHost?, server: any FaultableDatabase)] = [],
      cache: (host: SimulatedHost, server: any FaultableCache)? = nil,
      broker: (host: SimulatedHost, server: any FaultableBroker)? = nil
    ) {
      self.services = services
      self.clients = clients
      self.databases = databases
      self.cache = cache
      self.broker = broker
    }
  }

  let kernel: SimulationKernel
  let network: Network
  let targets: Targets
  /// Whether everything has healed: nothing goes wrong any more.
  public private(set) var hasHealed = false
  private var counts: [(kind: FaultKind, count: Int)] = []
  private var timers: [TimerToken] = []
  /// How many episodes cut each link now.
  private var cuts: [ObjectIdentifier: Int] = [:]
  /// The episodes that slow each link down now, in the order in which they began.
  private var delays: [ObjectIdentifier: [(episode: Int, delay: Duration)]] = [:]
  private var slowEpisodes = 0
  /// How often each server went down, and whether it is down now.
  private var outages: [ObjectIdentifier: (count: Int, isDown: Bool)] = [:]

  /// An injector that does nothing yet.
  public init(kernel: SimulationKernel, network: Network, targets: Targets) {
    self.kernel = kernel
    self.network = network
    self.targets = targets
  }

  /// Begins to carry out `plan`.
  public func start(_ plan: FaultPlan) {
    for entry in plan.entries {
      let stream = kernel.stream("fault \(entry.kind.name)")
      switch entry.kind {
      case .http(let fault):
        forEachServiceLink { $0.httpFaults[fault] = 0.002 + 0.03 * entry.intensity * entry.intensity }
      case .messageLoss:
        forEachServiceLink { $0.loss = 0.001 + 0.03 * entry.intensity * entry.intensity }
      case .database(let fault):
        for database in targets.databases {
          database.server.setRate(of: fault, to: Self.share(of: fault, entry.intensity))
        }
      case .cache(let fault):
        targets.cache?.server.setRate(of: fault, to: Self.share(of: fault, entry.intensity))
      case .broker(let fault):
        targets.broker?.server.setRate(of: fault, to: Self.share(of: fault, entry.intensity))
      default:
        episodes(of: entry, stream)
      }
    }
  }

  /// Ends every fault: hosts boot and run, clocks are right, links are whole, the database answers.
  public func heal() {
    guard !hasHealed else { return }
    hasHealed = true
    for timer in timers { kernel.cancel(timer) }
    timers = []
    network.heal()
    for host in targets.services.map(\.host) + targets.clients {
      host.setWallSkew(.zero)
      if host.driftPPM != 0 { host.setDrift(partsPerMillion: 0) }
      host.resume()
      host.restart()
    }
    for (_, database) in targets.databases {
      for fault in DatabaseFault.allCases { database.setRate(of: fault, to: 0) }
      database.restart()
    }
    if let cache = targets.cache?.server {
      for fault in CacheFault.allCases { cache.setRate(of: fault, to: 0) }
      cache.restart()
    }
    if let broker = targets.broker?.server {
      for fault in BrokerFault.allCases { broker.setRate(of: fault, to: 0) }
      broker.restart()
    }
    kernel.record(.fault, host: nil, "everything heals")
  }

  /// How often each kind really happened; kinds that did not are left out.
  public var happened: [(kind: FaultKind, count: Int)] {
    var all = counts + [(.messageLoss, network.lostMessages)]
    all += network.httpFaultCounts.map { (.http($0.fault), $0.count) }
    all += DatabaseFault.allCases.map { fault in
      (.database(fault), targets.databases.reduce(0) { $0 + $1.server.count(of: fault) })
    }
    if let cache = targets.cache { all += CacheFault.allCases.map { (.cache($0), cache.server.count(of: $0)) } }
    if let broker = targets.broker { all += BrokerFault.allCases.map { (.broker($0), broker.server.count(of: $0)) } }
    return all.filter { $0.count > 0 }
  }

  private static func share(of fault: DatabaseFault, _ intensity: Double) -> Double {
    switch fault {
    case .refused, .tooManyConnections: 0.01 + 0.2 * intensity
    case .connectionLost, .slowStatement: 0.000_5 + 0.01 * intensity * intensity
    case .commitAppliedAnswerLost, .commitDroppedAnswerLost: 0.002 + 0.05 * intensity * intensity
    }
  }

  private static func share(of fault: CacheFault, _ intensity: Double) -> Double {
    switch fault {
    case .refused: 0.05 + 0.4 * intensity
    case .connectionLost: 0.002 + 0.05 * intensity * intensity
    case .slowCommand: 0.001 + 0.03 * intensity * intensity
    }
  }

  private static func share(of fault: BrokerFault, _ intensity: Double) -> Double {
    switch fault {
    case .refused: 0.05 + 0.4 * intensity
    case .connectionLost: 0.000_5 + 0.005 * intensity * intensity
    case .confirmLost: 0.001 + 0.015 * intensity * intensity
    case .nacked: 0.002 + 0.05 * intensity
    case .slowRequest: 0.001 + 0.02 * intensity * intensity
    }
  }

  /// The links that carry HTTP: between clients and services, and among services.
  private func forEachServiceLink(_ change: (Link) -> Void) {
    func both(_ one: SimulatedHost, _ other: SimulatedHost) {
      change(network.link(from: one, to: other))
      change(network.link(from: other, to: one))
    }
    for client in targets.clients {
      for service in targets.services { both(client, service.host) }
    }
    for service in targets.services {
      for needed in service.needs where targets.services.contains(where: { $0.host === needed }) {
        both(service.host, needed)
      }
    }
  }

  // MARK: - Episodes

  /// Lets episodes of a kind happen at random intervals, for as long as nothing has healed.
  private func episodes(of entry: FaultPlan.Entry, _ stream: RandomStream) {
    let mean = Duration.milliseconds(800 + Int(14_000 * (1 - entry.intensity)))
    let timer = kernel.schedule(after: stream.exponential(mean: mean)) { [self] in
      begin(entry.kind, stream)
      episodes(of: entry, stream)
    }
    remember(timer)
  }

  /// Runs `action` later, unless everything heals before.
  private func later(_ delay: Duration, _ action: @escaping () -> Void) {
    remember(kernel.schedule(after: delay, action))
  }

  private func remember(_ timer: TimerToken) {
    // Tokens of timers that fired do nothing; they are dropped now and then so that a long run stays small.
    if timers.count > 4_096 { timers.removeFirst(2_048) }
    timers.append(timer)
  }

  private func begin(_ kind: FaultKind, _ stream: RandomStream) {
    let service = stream.pick(targets.services)
    let host = service.host
    switch kind {
    case .hostCrash, .hostPowerLoss: crash(host, kind, downFor: stream.duration(in: .milliseconds(20) ... .seconds(4)))
    case .hostPause: pause(host, for: stream.duration(in: .milliseconds(5) ... .seconds(5)))
    case .clockSkew:
      note(kind, host)
      host.setWallSkew(stream.duration(in: .seconds(-120) ... .seconds(120)))
    case .clockDrift:
      note(kind, host)
      host.setDrift(partsPerMillion: Int64(stream.index(below: 100_001)) - 50_000)
    case .partition: partition(service, stream, oneWay: false)
    case .oneWayPartition: partition(service, stream, oneWay: true)
    case .slowLink: slow(service, stream)
    case .databaseRestart, .databasePowerLoss:
      restartDatabase(kind, downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)), stream)
    case .databaseFailOver:
      failOver(losing: stream.index(below: 8), downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)), stream)
    case .cacheRestart, .cachePowerLoss:
      restartCache(kind, downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .cacheFailOver:
      failOverCache(losing: stream.index(below: 8), downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .cachePartition:
      cutOff(kind, targets.cache?.host, from: service, \.usesCache, stream)
    case .brokerRestart, .brokerPowerLoss:
      restartBroker(kind, downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .brokerPartition:
      cutOff(kind, targets.broker?.host, from: service, \.usesBroker, stream)
    case .messageLoss, .http, .database, .cache, .broker: break
    }
  }

  private func crash(_ host: SimulatedHost, _ kind: FaultKind, downFor time: Duration) {
    guard host.isUp else { return }
    note(kind, host)
    host.crash(kind == .hostPowerLoss ? .power : .process)
    later(time) { host.restart() }
  }

  /// Pauses `host`, if it runs, for `time`. A crash ends the pause, too: a later one of the host is another pause.
  package func pause(_ host: SimulatedHost, for time: Duration) {
    guard host.isUp, !host.isPaused else { return }
    note(.hostPause, host)
    host.pause()
    let boot = host.bootCount
    later(time) {
      if host.bootCount == boot { host.resume() }
    }
  }

  /// Takes a server down for `time` by `crash`. While it is down already, that is the same outage, which ends with the
  /// first that is over; the next outage is another.
  package func takeDown(_ server: any FaultableServer, for time: Duration, by crash: () -> Void) {
    let id = ObjectIdentifier(server)
    var state = outages[id] ?? (0, false)
    if !state.isDown { state.count += 1 }
    state.isDown = true
    outages[id] = state
    crash()
    let outage = state.count
    later(time) { [self] in
      guard outage == outages[id]?.count else { return }
      outages[id]?.isDown = false
      server.restart()
    }
  }

  /// Cuts `links` for `time`; a link is whole when the last of the episodes that cut it is over.
  package func cut(_ links: [Link], for time: Duration) {
    for link in links {
      cuts[ObjectIdentifier(link), default: 0] += 1
      link.isCut = true
    }
    later(time) { [self] in
      for link in links {
        cuts[ObjectIdentifier(link), default: 0] -= 1
        link.isCut = cuts[ObjectIdentifier(link), default: 0] > 0
      }
    }
  }

  /// Makes `links` slower by `delay` for `time`; of the episodes that overlap on a link the latest decides.
  package func slow(_ links: [Link], by delay: Duration, for time: Duration) {
    slowEpisodes += 1
    let episode = slowEpisodes
    for link in links {
      delays[ObjectIdentifier(link), default: []].append((episode, delay))
      link.delay = delay
    }
    later(time) { [self] in
      for link in links {
        delays[ObjectIdentifier(link)]?.removeAll { $0.episode == episode }
        link.delay = delays[ObjectIdentifier(link)]?.last?.delay ?? .zero
      }
    }
  }

  /// One of the databases.
  private func database(_ stream: RandomStream) -> (host: SimulatedHost?, server: any FaultableDatabase)? {
    targets.databases.count > 1 ? stream.pick(targets.databases) : targets.databases.first
  }

  private func restartDatabase(_ kind: FaultKind, downFor time: Duration, _ stream: RandomStream) {
    guard let (host, server) = database(stream) else { return }
    note(kind, host)
    takeDown(server, for: time) { server.crash(kind == .databasePowerLoss ? .power : .process) }
  }

  private func failOver(losing commits: Int, downFor time: Duration, _ stream: RandomStream) {
    guard let (host, server) = database(stream) else { return }
    note(.databaseFailOver, host)
    takeDown(server, for: time) { _ = server.failOver(losing: commits) }
  }

  private func restartCache(_ kind: FaultKind, downFor time: Duration) {
    guard let (host, server) = targets.cache else { return }
    note(kind, host)
    takeDown(server, for: time) { server.crash(kind == .cachePowerLoss ? .power : .process) }
  }

  private func failOverCache(losing writes: Int, downFor time: Duration) {
    guard let (host, server) = targets.cache else { return }
    note(.cacheFailOver, host)
    takeDown(server, for: time) { _ = server.failOver(losing: writes) }
  }

  private func restartBroker(_ kind: FaultKind, downFor time: Duration) {
    guard let (host, server) = targets.broker else { return }
    note(kind, host)
    takeDown(server, for: time) { server.crash(kind == .brokerPowerLoss ? .power : .process) }
  }

  /// Cuts a service that uses a server off from it alone: `first`, if it does, or another.
  private func cutOff(
    _ kind: FaultKind, _ server: SimulatedHost?, from first: Targets.Service,
    _ uses: (Targets.Service) -> Bool, _ stream: RandomStream
  ) {
    let users = targets.services.filter(uses)
    guard let server, !users.isEmpty else { return }
    let time = stream.duration(in: .milliseconds(50) ... .seconds(6))
    let host = uses(first) ? first.host : stream.pick(users).host
    note(kind, host)
    cut([network.link(from: server, to: host), network.link(from: host, to: server)], for: time)
  }

  /// Cuts a service off from its clients, from one of those that it needs, or both.
  private func partition(_ service: Targets.Service, _ stream: RandomStream, oneWay: Bool) {
    let host = service.host
    let side = stream.index(below: 3)
    let inwards = stream.chance(0.5)
    let time = stream.duration(in: .milliseconds(50) ... .seconds(6))
    var others: [SimulatedHost] = side == 0 ? [] : targets.clients
    if side != 1, let needed = needed(by: service, stream) { others.append(needed) }
    note(oneWay ? .oneWayPartition : .partition, host)
    var links: [Link] = []
    for other in others {
      if !oneWay || inwards { links.append(network.link(from: other, to: host)) }
      if !oneWay || !inwards { links.append(network.link(from: host, to: other)) }
    }
    cut(links, for: time)
  }

  private func slow(_ service: Targets.Service, _ stream: RandomStream) {
    let host = service.host
    let delay = stream.duration(in: .milliseconds(5) ... .milliseconds(800))
    let time = stream.duration(in: .milliseconds(100) ... .seconds(6))
    let inwards = stream.chance(0.5)
    var others = targets.clients
    if inwards, let needed = needed(by: service, stream) { others = [needed] }
    note(.slowLink, host)
    slow(others.flatMap { [network.link(from: $0, to: host), network.link(from: host, to: $0)] }, by: delay, for: time)
  }

  /// One of the hosts that a service needs.
  private func needed(by service: Targets.Service, _ stream: RandomStream) -> SimulatedHost? {
    service.needs.count > 1 ? stream.pick(service.needs) : service.needs.first
  }

  private func note(_ kind: FaultKind, _ host: SimulatedHost?) {
    if let index = counts.firstIndex(where: { $0.kind == kind }) {
      counts[index].count += 1
    } else {
      counts.append((kind, 1))
    }
    kernel.record(.fault, host: host, kind.name)
  }
}
