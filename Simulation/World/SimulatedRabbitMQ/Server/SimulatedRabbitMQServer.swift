public import Seams
public import SimulatedNetwork
public import SimulationKernel

/// A RabbitMQ server on a simulated host: accepts connections over the message network, handles their frames on the
/// host's process, and loses what was not on disk when that process crashes.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedRabbitMQServer: @unchecked Sendable {
  /// The server's host. Crash and restart it, or call ``crash()`` and ``restart()``.
  public let host: SimulatedHost
  public let network: Network
  public let options: SimulatedRabbitMQOptions
  /// How often faults strike; may be changed at any time.
  public var faults = RabbitMQFaultRates()
  let virtualHost: VirtualHost
  private var sessions: [BrokerSession] = []
  private var timers: [String: TimerToken] = [:]
  private var syncTimer: TimerToken?
  private let syncStream: RandomStream
  private var counts: [RabbitMQFault: Int] = [:]
  private var forced: [RabbitMQFault] = []
  private var streams: [RabbitMQFault: RandomStream] = [:]
  private var acceptsFrom = MonotonicInstant(nanoseconds: 0)
  private var isFirstBoot = true
  private var lastSession = 0
  private var lastChannel = 0

  /// A server without queues on `host`, which it boots.
  public init(
    host: SimulatedHost, network: Network, options: SimulatedRabbitMQOptions = SimulatedRabbitMQOptions()
  ) {
    self.host = host
    self.network = network
    self.options = options
    syncStream = host.kernel.stream("rabbitmq \(host.name) disk")
    let clock = host.wallClockOrigin
    virtualHost = VirtualHost(maximumMessageSize: options.maximumMessageSize) { clock + $0 / 1_000_000_000 }
    host.kernel.keep(self)
    host.boot { [unowned self] process in started(process) }
  }

  private func started(_ process: SimulatedProcess) {
    acceptsFrom = isFirstBoot ? host.kernel.now : host.kernel.now.advanced(by: options.recoveryTime)
    isFirstBoot = false
    process.onSeal { [unowned self] in crashed() }
    // Expiries of what was recovered.
    for name in virtualHost.queueNames { virtualHost.queues[name].map(virtualHost.touch) }
    flush()
  }

  private func crashed() {
    for timer in timers.values { host.kernel.cancel(timer) }
    timers = [:]
    if let syncTimer { host.kernel.cancel(syncTimer) }
    syncTimer = nil
    virtualHost.crash(now: host.kernel.now.nanoseconds)
    let lost = sessions
    sessions = []
    for session in lost { session.die() }
  }

  /// A connector for the program that runs in `process`.
  public func connector(for process: SimulatedProcess) -> SimulatedRabbitMQConnector {
    SimulatedRabbitMQConnector(servers: [self], process: process)
  }

  // MARK: - Faults

  /// Crashes the server: connections break; what is not durable and on disk is gone.
  public func crash() { host.crash() }

  /// Starts the server again; it refuses connections while it recovers.
  public func restart() { host.restart() }

  /// Closes every connection with 320, as an operator or a clean stop does.
  public func closeAllConnections() {
    for session in sessions {
      session.close(
        .connectionForced, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'")
    }
  }

  /// Makes the next connection, request, message or confirm that `fault` can strike meet it.
  public func injectNext(_ fault: RabbitMQFault) { forced.append(fault) }

  /// How often each fault really struck.
  public var faultCounts: [(fault: RabbitMQFault, count: Int)] {
    RabbitMQFault.allCases.compactMap { fault in counts[fault].map { (fault, $0) } }
  }

  func strikes(_ fault: RabbitMQFault, _ rate: Double) -> Bool {
    if let index = forced.firstIndex(of: fault) {
      forced.remove(at: index)
    } else {
      guard rate > 0, stream(fault).chance(rate) else { return false }
    }
    counts[fault, default: 0] += 1
    host.kernel.record(
      .fault, host: host, UInt64(RabbitMQFault.allCases.firstIndex(of: fault) ?? 0), 97, detail: fault.rawValue)
    return true
  }

  func stream(_ fault: RabbitMQFault) -> RandomStream {
    if let known = streams[fault] { return known }
    let stream = host.kernel.stream("rabbitmq \(host.name) fault \(fault.rawValue)")
    streams[fault] = stream
    return stream
  }

  // MARK: - Connections

  /// Answers a connection's request; `nil` refuses it.
  func accept(_ client: SimulatedRabbitMQConnection) -> BrokerSession? {
    guard let process = host.process, host.kernel.now >= acceptsFrom,
      !strikes(.connectionRefused, faults.refuseConnections)
    else { return nil }
    lastSession += 1
    let session = BrokerSession(id: lastSession, server: self, process: process, client: client)
    sessions.append(session)
    process.spawn("rabbitmq session") { try await session.run() }
    return session
  }

  /// A connection is gone, and with it its channels and exclusive queues.
  func forget(_ session: BrokerSession) {
    sessions.removeAll { $0 === session }
    virtualHost.closeConnection(session.id, now: host.kernel.now.nanoseconds)
    flush()
  }

  /// A number for a channel, unique in the run.
  func nextChannel() -> Int {
    lastChannel += 1
    return lastChannel
  }

  /// Keeps the last words of a session that is gone until they have had the time to arrive.
  func keepUntilDelivered(_ pipe: OrderedPipe<[ServerFrame]>?) {
    host.kernel.schedule(after: options.heartbeat) { withExtendedLifetime(pipe) {} }
  }

  // MARK: - What the logic wants done

  /// Hands the logic's effects to the sessions.
  func collectEffects() {
    if let circling = virtualHost.circling {
      host.kernel.failHarness("the simulated RabbitMQ does not have \(circling)")
    }
    let effects = virtualHost.effects
    guard !effects.isEmpty else { return }
    virtualHost.effects.removeAll(keepingCapacity: true)
    for effect in effects {
      guard let channel = virtualHost.channels[effect.channel] else { continue }
      sessions.first { $0.id == channel.connection }?.push(ServerFrame(effect))
    }
  }

  /// Sends what is to be sent, and sets the timers of queues and disk.
  func flush() {
    collectEffects()
    for session in sessions { session.sendOutbox() }
    let touched = virtualHost.touched
    virtualHost.touched.removeAll(keepingCapacity: true)
    for queue in touched {
      queue.isTouched = false
      setTimer(queue)
    }
    if syncTimer == nil, !(virtualHost.dirty.isEmpty && virtualHost.unsyncedConfirms.isEmpty), host.isUp {
      scheduleSync(after: syncStream.duration(in: options.syncDelay))
    }
  }

  private func scheduleSync(after delay: Duration) {
    syncTimer = host.kernel.schedule(after: delay) { [unowned self] in
      syncTimer = nil
      // A stalled machine writes nothing.
      if host.isPaused { return scheduleSync(after: .milliseconds(10)) }
      virtualHost.sync()
      flush()
    }
  }

  private func setTimer(_ queue: ClassicQueue) {
    if let timer = timers.removeValue(forKey: queue.name) { host.kernel.cancel(timer) }
    guard !queue.isDeleted, host.isUp, let next = queue.nextEvent else { return }
    wake(queue, at: MonotonicInstant(nanoseconds: next))
  }

  private func wake(_ queue: ClassicQueue, at instant: MonotonicInstant) {
    timers[queue.name] = host.kernel.schedule(at: instant) { [unowned self] in
      timers[queue.name] = nil
      if host.isPaused { return wake(queue, at: host.kernel.now.advanced(by: .milliseconds(10))) }
      virtualHost.wake(queue, now: host.kernel.now.nanoseconds)
      flush()
    }
  }

  // MARK: - Inspection

  /// The queues in the order of their declaration: ready messages, and those with consumers.
  public var queueLengths: [(name: String, ready: Int, unacknowledged: Int)] {
    virtualHost.queueNames.compactMap { name in
      virtualHost.queues[name].map { (name, $0.ready.count, $0.unacknowledged.count) }
    }
  }

  /// The messages that are ready in a queue, the first first; empty when there is none.
  public func messages(in queue: String) -> [BrokerMessage] {
    virtualHost.queues[queue]?.ready.map(\.stored.message) ?? []
  }
}

extension SimulatedHost {
  /// The civil time at which the run began, in seconds since 1970.
  var wallClockOrigin: Int64 { kernel.options.wallOrigin.microsecondsSinceEpoch / 1_000_000 }
}
