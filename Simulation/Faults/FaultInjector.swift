internal import Seams
public import SimulatedNetwork
public import SimulationKernel

/// Carries out a plan on a run's hosts, links and database until everything heals.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class FaultInjector: @unchecked Sendable {
  /// What faults are injected into.
  public struct Targets {
    public var services: [SimulatedHost]
    public var clients: [SimulatedHost]
    public var databaseHost: SimulatedHost?
    public var database: (any FaultableDatabase)?
    public var cacheHost: SimulatedHost?
    public var cache: (any FaultableCache)?

    public init(
      services: [SimulatedHost], clients: [SimulatedHost], databaseHost: SimulatedHost? = nil,
      database: (any FaultableDatabase)? = nil, cacheHost: SimulatedHost? = nil, cache: (any FaultableCache)? = nil
    ) {
      self.services = services
      self.clients = clients
      self.databaseHost = databaseHost
      self.database = database
      self.cacheHost = cacheHost
      self.cache = cache
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
        targets.database?.setRate(of: fault, to: Self.share(of: fault, entry.intensity))
      case .cache(let fault):
        targets.cache?.setRate(of: fault, to: Self.share(of: fault, entry.intensity))
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
    for host in targets.services + targets.clients {
      host.setWallSkew(.zero)
      if host.driftPPM != 0 { host.setDrift(partsPerMillion: 0) }
      host.resume()
      host.restart()
    }
    if let database = targets.database {
      for fault in DatabaseFault.allCases { database.setRate(of: fault, to: 0) }
      database.restart()
    }
    if let cache = targets.cache {
      for fault in CacheFault.allCases { cache.setRate(of: fault, to: 0) }
      cache.restart()
    }
    kernel.record(.fault, host: nil, "everything heals")
  }

  /// How often each kind really happened; kinds that did not are left out.
  public var happened: [(kind: FaultKind, count: Int)] {
    var all = counts + [(.messageLoss, network.lostMessages)]
    all += network.httpFaultCounts.map { (.http($0.fault), $0.count) }
    if let database = targets.database {
      all += DatabaseFault.allCases.map { (.database($0), database.count(of: $0)) }
    }
    if let cache = targets.cache { all += CacheFault.allCases.map { (.cache($0), cache.count(of: $0)) } }
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

  private func forEachServiceLink(_ change: (Link) -> Void) {
    for client in targets.clients {
      for service in targets.services {
        change(network.link(from: client, to: service))
        change(network.link(from: service, to: client))
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
    let host = stream.pick(targets.services)
    switch kind {
    case .hostCrash, .hostPowerLoss: crash(host, kind, downFor: stream.duration(in: .milliseconds(20) ... .seconds(4)))
    case .hostPause: pause(host, for: stream.duration(in: .milliseconds(5) ... .seconds(5)))
    case .clockSkew:
      note(kind, host)
      host.setWallSkew(stream.duration(in: .seconds(-120) ... .seconds(120)))
    case .clockDrift:
      note(kind, host)
      host.setDrift(partsPerMillion: Int64(stream.index(below: 100_001)) - 50_000)
    case .partition: partition(host, stream, oneWay: false)
    case .oneWayPartition: partition(host, stream, oneWay: true)
    case .slowLink: slow(host, stream)
    case .databaseRestart, .databasePowerLoss:
      restartDatabase(kind, downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .databaseFailOver:
      failOver(losing: stream.index(below: 8), downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .cacheRestart, .cachePowerLoss:
      restartCache(kind, downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .cacheFailOver:
      failOverCache(losing: stream.index(below: 8), downFor: stream.duration(in: .milliseconds(50) ... .seconds(3)))
    case .cachePartition: cutOffCache(host, for: stream.duration(in: .milliseconds(50) ... .seconds(6)))
    case .messageLoss, .http, .database, .cache: break
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

  private func restartDatabase(_ kind: FaultKind, downFor time: Duration) {
    guard let database = targets.database else { return }
    note(kind, targets.databaseHost)
    takeDown(database, for: time) { database.crash(kind == .databasePowerLoss ? .power : .process) }
  }

  private func failOver(losing commits: Int, downFor time: Duration) {
    guard let database = targets.database else { return }
    note(.databaseFailOver, targets.databaseHost)
    takeDown(database, for: time) { _ = database.failOver(losing: commits) }
  }

  private func restartCache(_ kind: FaultKind, downFor time: Duration) {
    guard let cache = targets.cache else { return }
    note(kind, targets.cacheHost)
    takeDown(cache, for: time) { cache.crash(kind == .cachePowerLoss ? .power : .process) }
  }

  private func failOverCache(losing writes: Int, downFor time: Duration) {
    guard let cache = targets.cache else { return }
    note(.cacheFailOver, targets.cacheHost)
    takeDown(cache, for: time) { _ = cache.failOver(losing: writes) }
  }

  private func cutOffCache(_ host: SimulatedHost, for time: Duration) {
    guard let cache = targets.cacheHost else { return }
    note(.cachePartition, host)
    cut([network.link(from: cache, to: host), network.link(from: host, to: cache)], for: time)
  }

  /// Cuts `host` off from its clients, its database or both.
  private func partition(_ host: SimulatedHost, _ stream: RandomStream, oneWay: Bool) {
    let side = stream.index(below: 3)
    let inwards = stream.chance(0.5)
    let time = stream.duration(in: .milliseconds(50) ... .seconds(6))
    var others: [SimulatedHost] = side == 0 ? [] : targets.clients
    if side != 1, let database = targets.databaseHost { others.append(database) }
    note(oneWay ? .oneWayPartition : .partition, host)
    var links: [Link] = []
    for other in others {
      if !oneWay || inwards { links.append(network.link(from: other, to: host)) }
      if !oneWay || !inwards { links.append(network.link(from: host, to: other)) }
    }
    cut(links, for: time)
  }

  private func slow(_ host: SimulatedHost, _ stream: RandomStream) {
    let delay = stream.duration(in: .milliseconds(5) ... .milliseconds(800))
    let time = stream.duration(in: .milliseconds(100) ... .seconds(6))
    let toDatabase = stream.chance(0.5)
    var others = targets.clients
    if toDatabase, let database = targets.databaseHost { others = [database] }
    note(.slowLink, host)
    slow(others.flatMap { [network.link(from: $0, to: host), network.link(from: host, to: $0)] }, by: delay, for: time)
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
