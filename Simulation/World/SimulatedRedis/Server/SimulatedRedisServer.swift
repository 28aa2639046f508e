public import Seams
public import SimulatedNetwork
public import SimulationKernel

/// A Redis server on a simulated host: accepts connections over the message network and runs their commands one at a
/// time on the host's process. It keeps nothing on disk: a crash loses everything.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedRedisServer: @unchecked Sendable {
  /// The server's host. Crash and restart it, or call ``crash()`` and ``restart()``.
  public let host: SimulatedHost
  public let network: Network
  public let options: SimulatedRedisOptions
  /// How often faults strike; may be changed at any time.
  public var faults = RedisFaultRates()
  private let scripts: [CacheScript]
  /// Made at the first boot; it outlives the process only in a fail-over.
  private var engine: RedisEngine?
  private var peers: [RedisPeer] = []
  private let turns: RandomStream
  private var idle: PendingWait?
  private var answersFrom = MonotonicInstant(nanoseconds: 0)
  private var isFailingOver = false
  private var counts: [RedisFault: Int] = [:]
  private var forced: [RedisFault] = []
  private var streams: [RedisFault: RandomStream] = [:]

  /// An empty server on `host`, which it boots.
  ///
  /// - Parameter scripts: the scripts that it runs; any other is refused.
  public init(
    host: SimulatedHost, network: Network, scripts: [CacheScript] = [],
    options: SimulatedRedisOptions = SimulatedRedisOptions()
  ) {
    self.host = host
    self.network = network
    self.scripts = scripts
    self.options = options
    turns = host.kernel.stream("redis \(host.name) turns")
    host.kernel.keep(self)
    host.boot { [unowned self] process in
      started(process)
      try await serve(process)
    }
  }

  private func started(_ process: SimulatedProcess) {
    if engine == nil {
      engine = RedisEngine(
        entropy: host.kernel.stream("redis \(host.name) data"), clock: process.wallClock, scripts: scripts,
        replicationLogLength: options.replicationLogLength)
    } else {
      answersFrom = host.kernel.now.advanced(by: options.loadingTime)
    }
    process.onSeal { [unowned self] in crashed() }
  }

  private func crashed() {
    idle = nil
    let lost = peers
    peers = []
    if !isFailingOver { engine?.removeEverything() }
    for peer in lost { peer.breakConnection() }
  }

  /// A connector for the program that runs in `process`.
  ///
  /// - Parameter database: the number of the database that its connections begin with.
  public func connector(for process: SimulatedProcess, database: Int = 0) -> SimulatedRedisConnector {
    SimulatedRedisConnector(server: self, process: process, database: database)
  }

  // MARK: Faults

  /// Crashes the server: connections break, all data are gone, new connections are refused.
  public func crash() { host.crash() }

  /// Starts the server again, empty.
  public func restart() { host.restart() }

  /// Breaks every connection.
  public func killAllConnections() {
    for peer in peers { peer.breakConnection() }
    peers = []
  }

  /// Crashes the server and goes on, under its name, with a replica that lacks the latest writes, at most
  /// ``SimulatedRedisOptions/replicationLogLength`` of them.
  ///
  /// - Returns: how many writes were lost.
  @discardableResult
  public func failOver(losing writes: Int) -> Int {
    isFailingOver = true
    host.crash()
    isFailingOver = false
    let lost = engine?.loseWrites(writes) ?? 0
    host.kernel.record(.fault, host: host, UInt64(lost), 97, detail: "fail-over, \(lost) writes lost")
    host.restart()
    return lost
  }

  /// Makes the next connection or command that `fault` can strike meet it.
  public func injectNext(_ fault: RedisFault) { forced.append(fault) }

  /// How often each fault really struck.
  public var faultCounts: [(fault: RedisFault, count: Int)] {
    RedisFault.allCases.compactMap { fault in counts[fault].map { (fault, $0) } }
  }

  private func strikes(_ fault: RedisFault, _ rate: Double) -> Bool {
    if let index = forced.firstIndex(of: fault) {
      forced.remove(at: index)
    } else {
      guard rate > 0, stream(fault).chance(rate) else { return false }
    }
    counts[fault, default: 0] += 1
    host.kernel.record(
      .fault, host: host, UInt64(RedisFault.allCases.firstIndex(of: fault) ?? 0), 96, detail: fault.rawValue)
    return true
  }

  private func stream(_ fault: RedisFault) -> RandomStream {
    if let known = streams[fault] { return known }
    let stream = host.kernel.stream("redis \(host.name) fault \(fault.rawValue)")
    streams[fault] = stream
    return stream
  }

  // MARK: Connections

  /// Answers a connection's request; `nil` when nobody listens.
  func accept(_ connection: SimulatedRedisConnection, database: Int) -> RedisPeer? {
    guard host.isUp, !strikes(.connectionRefused, faults.refuseConnections) else { return nil }
    let peer = RedisPeer(server: self, connection: connection, database: database)
    peers.append(peer)
    return peer
  }

  func forget(_ peer: RedisPeer) { peers.removeAll { $0 === peer } }

  /// A unit of several commands may arrive in two segments, with others' commands between them: how many come first, and
  /// how much later the rest does; `nil` when all come at once.
  func split(_ count: Int) -> (size: Int, delay: Duration)? {
    guard count > 1, turns.chance(0.1) else { return nil }
    return (1 + turns.index(below: count - 1), turns.duration(in: .microseconds(1) ... .milliseconds(1)))
  }

  /// A peer has commands to run.
  func wake() { idle?.resume() }

  // MARK: The loop

  private func serve(_ process: SimulatedProcess) async throws {
    guard let engine else { preconditionFailure("a server without data") }
    var last: RedisPeer?
    while true {
      let ready = peers.filter(\.hasWork)
      guard let peer = next(of: ready, after: last) else {
        let wait = process.pendingWait("a command")
        idle = wait
        try await wait.wait()
        continue
      }
      last = peer
      if strikes(.slowCommand, faults.slowCommands) {
        try await process.clock.sleep(for: stream(.slowCommand).duration(in: faults.slowness))
        guard peer.hasWork else { continue }
      }
      run(peer, engine)
    }
  }

  /// Mostly goes on with the same client, but may turn to another between two commands: only MULTI and EXEC keep
  /// others out.
  private func next(of ready: [RedisPeer], after last: RedisPeer?) -> RedisPeer? {
    if ready.isEmpty { return nil }
    if ready.count == 1 { return ready[0] }
    if let last, !turns.chance(0.25), ready.contains(where: { $0 === last }) { return last }
    return turns.pick(ready)
  }

  private func run(_ peer: RedisPeer, _ engine: RedisEngine) {
    if strikes(.connectionLostBefore, faults.loseConnection / 2) { return lose(peer) }
    let command = peer.takeCommand()
    let reply: CacheReply
    do {
      reply = try engine.process(command, peer.session, isLoading: host.kernel.now < answersFrom)
    } catch {
      let what = (error as? RefusedCommand)?.what ?? "\(error)"
      if options.refusalFailsHarness { host.kernel.failHarness("the simulated Redis does not have \(what)") }
      reply = RedisFailure("ERR refused by the simulated Redis: \(what)").reply
    }
    host.kernel.record(
      .cacheCommand, host: host, SimulatedRedisServer.digest(command), SimulatedRedisServer.digest(reply),
      detail: "\(SimulatedRedisServer.text(command)) -> \(reply)")
    if strikes(.connectionLostAfter, faults.loseConnection / 2) { return lose(peer) }
    peer.answer(reply)
  }

  private func lose(_ peer: RedisPeer) {
    forget(peer)
    peer.breakConnection()
  }

  private static func digest(_ command: CacheCommand) -> UInt64 {
    var digest = Digest()
    for position in 0..<command.count { digest.add(command[position]) }
    return digest.value
  }

  private static func digest(_ reply: CacheReply) -> UInt64 {
    var digest = Digest()
    digest.add(reply.description.utf8)
    return digest.value
  }

  private static func text(_ command: CacheCommand) -> String {
    (0..<command.count).map { String(decoding: command[$0].prefix(60), as: UTF8.self) }.joined(separator: " ")
  }
}

extension SimulatedRedisServer {
  /// What the string at `key` holds, for judges: `nil` when there is none, or none that is a string. Looking changes
  /// nothing.
  public func string(at key: String, database: Int = 0) -> [UInt8]? { engine?.peek(Array(key.utf8), database) }
}
