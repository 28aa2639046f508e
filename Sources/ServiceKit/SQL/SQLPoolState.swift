internal import DequeModule
internal import Seams

/// A connection and what the pool knows about it.
struct PooledConnection: Sendable {
  var connection: any SQLConnection
  var openedAt: MonotonicInstant
  var idleSince: MonotonicInstant
}

/// A caller that waits for a connection.
///
/// `@unchecked Sendable`: its fields change only under the pool's lock.
final class PoolWaiter: @unchecked Sendable {
  /// The order of arrival: it survives waiting again.
  let ticket: UInt64
  /// Whether it wakes when connecting is allowed again, to try.
  var watchesGate = false
  /// Set while the waiter is in the queue.
  var isQueued = false
  var continuation: UnsafeContinuation<PoolGrant, Never>?
  /// A grant that came before the continuation was there.
  var grant: PoolGrant?

  init(ticket: UInt64) { self.ticket = ticket }
}

/// What wakes a waiting caller.
enum PoolGrant: Sendable {
  /// A connection: it is the caller's now.
  case connection(PooledConnection)
  /// The right to open one: it is counted as connecting already.
  case connect
  /// Things have changed, or a time came: decide anew.
  case reconsider
}

/// What a caller does next.
enum PoolDecision {
  case use(PooledConnection)
  case connect
  case wait(PoolWaiter, until: MonotonicInstant)
  case closed
}

/// The pool's bookkeeping, without any waiting: every function says what to do and its caller does it.
struct SQLPoolState {
  let options: SQLPool.Options
  var figures = SQLPoolFigures()
  /// The most recently used one last: those at the front grow old and are closed.
  var idle: [PooledConnection] = []
  var leased: [PooledConnection] = []
  var connecting = 0
  var waiters: Deque<PoolWaiter> = []
  var nextTicket: UInt64 = 0
  var isClosed = false
  var backOff: ConnectBackOff
  /// What the last failed attempt to connect said, until one succeeds.
  var lastFailure: SQLError?
  var drainWaiter: UnsafeContinuation<Void, Never>?

  init(options: SQLPool.Options) {
    self.options = options
    backOff = ConnectBackOff(base: options.baseBackOff, maximum: options.maximumBackOff)
    figures.size = options.size
  }

  var hasRoom: Bool {
    idle.count + leased.count + connecting < options.size && connecting < options.maximumConnecting
  }

  /// What a caller does that wants a connection.
  ///
  /// - Parameter ticket: its place in the queue: given when it comes first, kept when it comes again.
  mutating func decide(now: MonotonicInstant, deadline: MonotonicInstant, ticket: inout UInt64?) -> PoolDecision {
    if isClosed { return .closed }
    let place = ticket ?? nextTicket
    if ticket == nil {
      ticket = place
      nextTicket += 1
    }
    let isNext = waiters.first.map { place < $0.ticket } ?? true
    var watchesGate = false
    if isNext {
      if let connection = idle.popLast() {
        leased.append(connection)
        return .use(connection)
      }
      if hasRoom {
        if backOff.allows(now) {
          connecting += 1
          return .connect
        }
        watchesGate = !waiters.contains { $0.watchesGate }
      }
    }
    let waiter = PoolWaiter(ticket: place)
    waiter.watchesGate = watchesGate
    enqueue(waiter)
    return .wait(waiter, until: watchesGate ? min(backOff.gate, deadline) : deadline)
  }

  private mutating func enqueue(_ waiter: PoolWaiter) {
    waiter.isQueued = true
    let position = waiters.firstIndex { $0.ticket > waiter.ticket } ?? waiters.endIndex
    waiters.insert(waiter, at: position)
  }

  /// Takes a waiter out of the queue; `false` when it has been granted something already.
  mutating func remove(_ waiter: PoolWaiter) -> Bool {
    guard waiter.isQueued, let index = waiters.firstIndex(where: { $0 === waiter }) else { return false }
    waiter.isQueued = false
    waiters.remove(at: index)
    return true
  }

  /// Gives what is free to those who wait longest.
  ///
  /// - Returns: whom to resume with what, outside the lock.
  mutating func pump(now: MonotonicInstant) -> [PoolResumption] {
    var resumptions: [PoolResumption] = []
    while let first = waiters.first {
      if let connection = idle.popLast() {
        leased.append(connection)
        grant(first, .connection(connection)).map { resumptions.append($0) }
      } else if hasRoom, backOff.allows(now) {
        connecting += 1
        grant(first, .connect).map { resumptions.append($0) }
      } else {
        break
      }
    }
    // Somebody must wake when connecting is allowed again.
    if let first = waiters.first, hasRoom, !waiters.contains(where: \.watchesGate) {
      grant(first, .reconsider).map { resumptions.append($0) }
    }
    return resumptions
  }

  /// Takes `waiter` out of the queue with `grant`, which is kept for it when it is not suspended yet.
  mutating func grant(_ waiter: PoolWaiter, _ grant: PoolGrant) -> PoolResumption? {
    let wasQueued = remove(waiter)
    precondition(wasQueued, "a waiter was granted twice")
    guard let continuation = waiter.continuation else {
      waiter.grant = grant
      return nil
    }
    waiter.continuation = nil
    return PoolResumption(continuation: continuation, grant: grant)
  }

  mutating func connectSucceeded(_ connection: PooledConnection) {
    connecting -= 1
    figures.connected += 1
    backOff.succeeded()
    lastFailure = nil
    leased.append(connection)
  }

  mutating func connectFailed(_ error: SQLError, now: MonotonicInstant, entropy: any EntropySource) {
    connecting -= 1
    figures.connectFailures += 1
    lastFailure = error
    backOff.failed(now: now, entropy: entropy)
  }

  mutating func endLease(_ connection: any SQLConnection) -> PooledConnection {
    guard let index = leased.firstIndex(where: { $0.connection === connection }) else {
      preconditionFailure("a connection was returned that was not lent")
    }
    return leased.remove(at: index)
  }

  var snapshot: SQLPoolFigures {
    var figures = figures
    figures.idle = idle.count
    figures.inUse = leased.count
    figures.connecting = connecting
    figures.waiting = waiters.count
    return figures
  }
}

/// A continuation and what to resume it with.
struct PoolResumption: Sendable {
  var continuation: UnsafeContinuation<PoolGrant, Never>
  var grant: PoolGrant

  func run() {
    continuation.resume(returning: grant)
  }
}
