public import Seams
public import SimulatedNetwork
public import SimulationKernel

/// A PostgreSQL server on a simulated host: accepts connections over the message network, runs their statements on the
/// host's process, and loses what was not committed when that process crashes.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedPostgresServer: @unchecked Sendable {
  /// The server's host. Crash and restart it, or call ``crash()`` and ``restart()``.
  public let host: SimulatedHost
  public let network: Network
  /// What is durable.
  public let database: Database
  /// How often faults strike; may be changed at any time.
  public var faults = PostgresFaultRates()
  /// How long a server takes to notice that a client is gone of which no word reached it.
  public var keepAlive = Duration.seconds(10)
  private var counts: [PostgresFault: Int] = [:]
  private var forced: [PostgresFault] = []
  private var streams: [PostgresFault: RandomStream] = [:]
  private var acceptsFrom = MonotonicInstant(nanoseconds: 0)
  private var backends: [Backend] = []
  private var isFirstBoot = true

  /// A server with an empty database on `host`, which it boots.
  public init(
    host: SimulatedHost, network: Network, options: SimulatedPostgresOptions = SimulatedPostgresOptions()
  ) {
    self.host = host
    self.network = network
    database = Database(host: host, options: options)
    host.kernel.keep(self)
    host.boot { [unowned self] process in started(process) }
  }

  private func started(_ process: SimulatedProcess) {
    acceptsFrom =
      isFirstBoot ? host.kernel.now : host.kernel.now.advanced(by: database.options.recoveryTime)
    isFirstBoot = false
    process.onSeal { [unowned self] in crashed() }
  }

  private func crashed() {
    database.crash()
    let lost = backends
    backends = []
    for backend in lost { backend.breakConnection() }
  }

  /// A connector for the program that runs in `process`.
  public func connector(for process: SimulatedProcess) -> SimulatedPostgresConnector {
    SimulatedPostgresConnector(server: self, process: process)
  }

  // MARK: Faults

  /// Crashes the server: connections break, uncommitted work is gone. After a loss of power nobody tells the clients.
  public func crash(_ kind: SimulatedHost.CrashKind = .process) { host.crash(kind) }

  /// Starts the server again; it refuses connections with 57P03 while it recovers.
  public func restart() { host.restart() }

  /// Ends every connection with 57P01.
  public func killAllConnections() {
    for backend in backends { backend.terminate() }
  }

  /// Ends the session of process number `pid` with 57P01, as `pg_terminate_backend` does.
  public func terminate(pid: Int) {
    for backend in backends where backend.session.pid == pid { backend.terminate() }
  }

  /// Crashes the server and puts a replica in its place that lacks the latest commits, at most
  /// ``SimulatedPostgresOptions/replicationLogLength`` of them. ``restart()`` starts the replica.
  ///
  /// - Returns: the numbers of the commits that were lost, as ``CommitRecord/sequence`` gave them.
  @discardableResult
  public func failOver(losing commits: Int) -> [UInt64] {
    host.crash()
    let lost = database.loseCommits(commits)
    host.kernel.record(.fault, host: host, UInt64(lost.count), 99, detail: "fail-over, \(lost.count) commits lost")
    return lost
  }

  /// Makes the next connection or statement that `fault` can strike meet it.
  public func injectNext(_ fault: PostgresFault) { forced.append(fault) }

  /// How often each fault really struck.
  public var faultCounts: [(fault: PostgresFault, count: Int)] {
    PostgresFault.allCases.compactMap { fault in counts[fault].map { (fault, $0) } }
  }

  /// Whether a request need be looked at for what it commits.
  var mayLoseCommits: Bool {
    faults.loseCommitAnswerCommitted > 0 || faults.loseCommitAnswerRolledBack > 0 || !forced.isEmpty
  }

  func strikes(_ fault: PostgresFault, _ rate: Double) -> Bool {
    if let index = forced.firstIndex(of: fault) {
      forced.remove(at: index)
    } else {
      guard rate > 0, stream(fault).chance(rate) else { return false }
    }
    counts[fault, default: 0] += 1
    host.kernel.record(
      .fault, host: host, UInt64(PostgresFault.allCases.firstIndex(of: fault) ?? 0), 98, detail: fault.rawValue)
    return true
  }

  func stream(_ fault: PostgresFault) -> RandomStream {
    if let known = streams[fault] { return known }
    let stream = host.kernel.stream("postgres \(host.name) fault \(fault.rawValue)")
    streams[fault] = stream
    return stream
  }

  // MARK: Connections

  /// Answers a connection's request.
  func accept(_ connection: SimulatedPostgresConnection) -> Result<Backend, SQLError> {
    func refused(_ state: SQLState?, _ message: String) -> Result<Backend, SQLError> {
      .failure(SQLError(.connectFailed, sqlState: state, message: message))
    }
    guard let process = host.process, !strikes(.connectionRefused, faults.refuseConnections) else {
      return refused(nil, "connection to server at \"\(host.name)\" failed: Connection refused")
    }
    if host.kernel.now < acceptsFrom { return refused(.cannotConnectNow, "the database system is starting up") }
    if database.sessions.count >= database.options.maxConnections
      || strikes(.tooManyConnections, faults.tooManyConnections)
    {
      return refused(.tooManyConnections, "sorry, too many clients already")
    }
    let backend = Backend(server: self, session: database.openSession(process), connection: connection)
    backends.append(backend)
    process.spawn("postgres backend") { try await backend.run() }
    return .success(backend)
  }

  func forget(_ backend: Backend) { backends.removeAll { $0 === backend } }

  // MARK: Set-up and inspection

  /// Runs a script at once, outside virtual time: for set-up before a run. Nothing else may be waiting to run.
  ///
  /// - Throws: what the script failed with.
  public func setUp(_ script: String) throws {
    guard let process = host.process else { throw SQLError(.connectFailed, message: "the server is down") }
    let outcome = Outcome()
    let session = database.openSession(process)
    process.spawn("set-up") {
      do {
        try await session.executeScript(script)
        outcome.result = .success(())
      } catch {
        outcome.result = .failure(error)
      }
      session.die()
    }
    host.kernel.runLoop(until: host.kernel.now)
    guard let result = outcome.result else { preconditionFailure("a set-up script waited for something") }
    try result.get()
  }

  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class Outcome: @unchecked Sendable {
    var result: Result<Void, any Error>?
  }

  /// The process numbers of the sessions that wait for a lock, each with those that it waits for.
  public func waits() -> [(pid: Int, blockedBy: [Int])] {
    database.sessions.compactMap { session in
      session.waiter == nil ? nil : (session.pid, database.locks.blockingPIDs(of: session))
    }
  }

  /// Calls `observer` inside every commit, in the order of commits.
  public func onCommit(_ observer: @escaping (CommitRecord) -> Void) { database.onCommit(observer) }

  /// The committed rows of a table, in heap order.
  public func committedRows(of table: String) -> [SQLRow] { database.committedRows(of: table) }

  /// What happened in the database so far.
  public var statistics: SimulatedPostgresStatistics { database.statistics }
}
