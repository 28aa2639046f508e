internal import Seams

/// What a caller of the cache pool does next.
enum CachePoolDecision {
  /// Sends its commands on this connection, where a place is taken for it.
  case use(any CacheConnection)
  /// Opens a connection: it is counted as connecting already.
  case connect
  /// Waits for its bell, not longer than until the instant.
  case wait(Doorbell, until: MonotonicInstant)
  case closed
}

/// The cache pool's bookkeeping, without any waiting.
struct CachePoolState {
  struct Lane {
    var connection: any CacheConnection
    var inFlight = 0
    var idleSince: MonotonicInstant
    /// Whether its server is the wrong one: closed once nothing is under way.
    var isRetired = false

    var isUsable: Bool { !isRetired && !connection.isClosed }
  }

  let options: CachePool.Options
  var figures = CachePoolFigures()
  private(set) var lanes: [Lane] = []
  private(set) var connecting = 0
  private var waiters: [Doorbell] = []
  private(set) var backOff: ConnectBackOff
  /// What the last failed attempt to connect said, until one succeeds.
  private(set) var lastFailure: CacheError?
  var isClosed = false

  init(options: CachePool.Options) {
    self.options = options
    backOff = ConnectBackOff(base: options.baseBackOff, maximum: options.maximumBackOff)
    figures.size = options.size
  }

  var inFlight: Int { lanes.reduce(0) { $0 + $1.inFlight } }

  private var hasRoom: Bool {
    lanes.count(where: \.isUsable) + connecting < options.size && connecting < options.maximumConnecting
  }

  // MARK: - Callers

  /// What a caller does that wants to send. The connection with the least under way is taken.
  mutating func decide(now: MonotonicInstant, deadline: MonotonicInstant) -> CachePoolDecision {
    if isClosed { return .closed }
    sweep()
    let usable = lanes.indices.filter { lanes[$0].isUsable && lanes[$0].inFlight < options.maximumCalls }
    if let best = usable.min(by: { lanes[$0].inFlight < lanes[$1].inFlight }) {
      take(best)
      return .use(lanes[best].connection)
    }
    if mayConnect(now) { return .connect }
    let bell = Doorbell()
    waiters.append(bell)
    return .wait(bell, until: hasRoom ? min(backOff.gate, deadline) : deadline)
  }

  /// Whether every connection carries as much as it should and another may be opened.
  func wantsGrowth(now: MonotonicInstant) -> Bool {
    guard !isClosed, !lanes.isEmpty, hasRoom, backOff.allows(now) else { return false }
    return lanes.allSatisfy { !$0.isUsable || $0.inFlight >= options.callsPerConnection }
  }

  /// Takes the permit to open a connection.
  mutating func mayConnect(_ now: MonotonicInstant) -> Bool {
    guard hasRoom, backOff.allows(now) else { return false }
    connecting += 1
    return true
  }

  /// Takes a waiter out of the queue; `false` when it has been woken already.
  mutating func stopWaiting(_ bell: Doorbell) -> Bool {
    guard let index = waiters.firstIndex(where: { $0 === bell }) else { return false }
    waiters.remove(at: index)
    return true
  }

  private mutating func take(_ index: Int) {
    lanes[index].inFlight += 1
    figures.calls += 1
    figures.inFlightMaximum = max(figures.inFlightMaximum, inFlight)
  }

  /// A call has ended.
  ///
  /// - Returns: whom to wake, outside the lock.
  mutating func release(_ connection: any CacheConnection, now: MonotonicInstant, isWrongServer: Bool) -> [Doorbell] {
    guard let index = lanes.firstIndex(where: { $0.connection === connection }) else {
      preconditionFailure("a connection was returned that was not lent")
    }
    lanes[index].inFlight -= 1
    lanes[index].idleSince = now
    if isWrongServer { lanes[index].isRetired = true }
    sweep()
    return takeWaiters(lanes.contains(where: \.isUsable) ? 1 : .max)
  }

  /// Forgets connections that are of no use and carry nothing.
  mutating func sweep() {
    guard lanes.contains(where: { !$0.isUsable && $0.inFlight == 0 }) else { return }
    for lane in lanes where !lane.isUsable && lane.inFlight == 0 {
      lane.connection.close()
      figures.discarded += 1
    }
    lanes.removeAll { !$0.isUsable && $0.inFlight == 0 }
  }

  mutating func takeWaiters(_ count: Int) -> [Doorbell] {
    let woken = Array(waiters.prefix(count))
    waiters.removeFirst(woken.count)
    return woken
  }

  // MARK: - Connecting

  /// - Parameter isTaken: whether the one who opened it sends on it at once.
  mutating func connectSucceeded(
    _ connection: any CacheConnection, now: MonotonicInstant, isTaken: Bool
  ) -> [Doorbell] {
    connecting -= 1
    figures.connected += 1
    backOff.succeeded()
    lastFailure = nil
    lanes.append(Lane(connection: connection, idleSince: now))
    if isTaken { take(lanes.count - 1) }
    return takeWaiters(.max)
  }

  mutating func connectFailed(
    _ error: CacheError, now: MonotonicInstant, entropy: any EntropySource
  ) -> [Doorbell] {
    connecting -= 1
    figures.connectFailures += 1
    lastFailure = error
    backOff.failed(now: now, entropy: entropy)
    return takeWaiters(.max)
  }

  /// The attempt was given up, not failed.
  mutating func connectAbandoned() -> [Doorbell] {
    connecting -= 1
    return takeWaiters(.max)
  }

  // MARK: - Upkeep

  /// A connection that nothing was sent on for too long, lent out for a check.
  mutating func takeIdle(before instant: MonotonicInstant) -> (any CacheConnection)? {
    sweep()
    guard let index = lanes.firstIndex(where: { $0.isUsable && $0.inFlight == 0 && $0.idleSince <= instant }) else {
      return nil
    }
    lanes[index].inFlight += 1
    return lanes[index].connection
  }

  /// Refuses new callers.
  ///
  /// - Returns: those that wait.
  mutating func close() -> [Doorbell] {
    isClosed = true
    return takeWaiters(.max)
  }

  var snapshot: CachePoolFigures {
    var figures = figures
    figures.open = lanes.count(where: \.isUsable)
    figures.connecting = connecting
    figures.inFlight = inFlight
    figures.waiting = waiters.count
    let meant = figures.open * options.callsPerConnection
    figures.saturation = meant == 0 ? 0 : Double(figures.inFlight) / Double(meant)
    return figures
  }
}
