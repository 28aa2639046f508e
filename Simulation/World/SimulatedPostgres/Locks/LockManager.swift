import Seams
import SimulationKernel

/// A session's place in the queue of a lock.
final class LockWaiter {
  unowned let session: Session
  let lock: HeavyLock
  let mode: LockMode
  let call: PendingCall<Bool>

  init(session: Session, lock: HeavyLock, mode: LockMode, call: PendingCall<Bool>) {
    self.session = session
    self.lock = lock
    self.mode = mode
    self.call = call
  }
}

/// A lock in the lock table: who holds it in which mode, and who waits, first come first served.
final class HeavyLock {
  struct Holder {
    unowned let session: Session
    let mode: LockMode
    var count: Int
  }

  let tag: LockTag
  @exclusivity(unchecked) var holders: [Holder] = []
  @exclusivity(unchecked) var queue: [LockWaiter] = []

  init(tag: LockTag) { self.tag = tag }

  func isFree(_ mode: LockMode, for session: Session) -> Bool {
    !holders.contains { $0.session !== session && $0.mode.conflicts(with: mode) }
  }

  func grant(_ mode: LockMode, to session: Session) {
    for index in holders.indices where holders[index].session === session && holders[index].mode == mode {
      holders[index].count += 1
      return
    }
    holders.append(Holder(session: session, mode: mode, count: 1))
  }

  func ungrant(_ mode: LockMode, of session: Session) -> Bool {
    guard let index = holders.firstIndex(where: { $0.session === session && $0.mode == mode }) else { return false }
    holders[index].count -= 1
    if holders[index].count == 0 { holders.remove(at: index) }
    return true
  }

  /// The sessions that keep `waiter` waiting: holders (hard) and conflicting requests before it (soft).
  func blockers(of waiter: LockWaiter) -> [(session: Session, soft: LockWaiter?)] {
    var found: [(session: Session, soft: LockWaiter?)] = []
    for holder in holders where holder.session !== waiter.session && holder.mode.conflicts(with: waiter.mode) {
      found.append((holder.session, nil))
    }
    for other in queue {
      if other === waiter { break }
      if other.mode.conflicts(with: waiter.mode) { found.append((other.session, other)) }
    }
    return found
  }
}

/// The lock table: relations, tuples, transactions and advisory keys.
final class LockManager {
  @exclusivity(unchecked) private var table: [LockTag: HeavyLock] = [:]
  private unowned let database: Database

  init(database: Database) { self.database = database }

  func lock(_ tag: LockTag) -> HeavyLock {
    if let lock = table[tag] { return lock }
    let lock = HeavyLock(tag: tag)
    table[tag] = lock
    return lock
  }

  /// Forgets every holder and request: the server process that they belonged to is dead, and its tasks only unwind.
  func abandon() {
    for lock in table.values {
      lock.holders = []
      lock.queue = []
    }
    table = [:]
  }

  private func discardIfUnused(_ lock: HeavyLock) {
    if lock.holders.isEmpty, lock.queue.isEmpty { table[lock.tag] = nil }
  }

  /// Grants the lock when neither a holder nor an earlier request stands against it.
  func tryAcquire(_ tag: LockTag, _ mode: LockMode, _ session: Session) -> Bool {
    let lock = lock(tag)
    let alreadyHolds = lock.holders.contains { $0.session === session && $0.mode == mode }
    let isBehind = !alreadyHolds && lock.queue.contains { $0.mode.conflicts(with: mode) }
    guard lock.isFree(mode, for: session), !isBehind else { return false }
    lock.grant(mode, to: session)
    return true
  }

  /// Waits in the lock's queue until it is granted.
  ///
  /// - Throws: 40P01 when the wait is part of a cycle after the deadlock time-out, or at once where two want what the
  ///   other holds of this very lock; 55P03 after the lock time-out, what the statement was cancelled with.
  func wait(_ tag: LockTag, _ mode: LockMode, _ session: Session) async throws {
    let lock = lock(tag)
    let call = session.process.pendingCall("a database lock", as: Bool.self)
    let waiter = LockWaiter(session: session, lock: lock, mode: mode, call: call)
    // Whoever holds a lock that an earlier request waits for goes before it, or both would wait for ever.
    let held = lock.holders.filter { $0.session === session }
    let place =
      lock.queue.firstIndex { other in held.contains { $0.mode.conflicts(with: other.mode) } } ?? lock.queue.count
    if place < lock.queue.count {
      let other = lock.queue[place]
      if lock.holders.contains(where: { $0.session === other.session && $0.mode.conflicts(with: mode) }) {
        discardIfUnused(lock)
        throw deadlock([(waiter, other.session, nil), (other, session, nil)])
      }
    }
    lock.queue.insert(waiter, at: place)
    if place < lock.queue.count - 1, lock.isFree(mode, for: session),
      !lock.queue[..<place].contains(where: { $0.mode.conflicts(with: mode) })
    {
      lock.queue.remove(at: place)
      lock.grant(mode, to: session)
      call.resume(returning: true)
      _ = try await call.value()
      return
    }
    session.waiter = waiter
    database.waitBegan(session, tag)
    let kernel = database.kernel
    var timers = [
      // A little later, by chance: no two servers' timers run to the same nanosecond, and of two that come to wait at
      // one instant either may be the one that finds the circle.
      kernel.schedule(after: session.settings.deadlockTimeout + .nanoseconds(database.timerStream.index(below: 1_000)))
      {
        [self] in checkDeadlock(waiter)
      }
    ]
    if session.settings.lockTimeout > .zero {
      timers.append(
        kernel.schedule(after: session.settings.lockTimeout) {
          call.fail(Failure.make(.lockNotAvailable, "canceling statement due to lock timeout"))
        })
    }
    defer {
      for timer in timers { kernel.cancel(timer) }
      session.waiter = nil
      database.waitEnded(session)
    }
    do {
      _ = try await call.value()
    } catch {
      if let index = lock.queue.firstIndex(where: { $0 === waiter }) {
        lock.queue.remove(at: index)
        wake(lock)
      } else {
        // Granted at the moment of the cancellation: give it back.
        release(tag, mode, session)
      }
      discardIfUnused(lock)
      throw error
    }
  }

  @discardableResult
  func release(_ tag: LockTag, _ mode: LockMode, _ session: Session) -> Bool {
    guard let lock = table[tag], lock.ungrant(mode, of: session) else { return false }
    wake(lock)
    discardIfUnused(lock)
    return true
  }

  /// Grants what can be granted, in the order of the queue (PostgreSQL's `ProcLockWakeup`).
  private func wake(_ lock: HeavyLock) {
    var ahead: UInt16 = 0
    var index = 0
    while index < lock.queue.count {
      let waiter = lock.queue[index]
      if waiter.mode.conflicts & ahead == 0, lock.isFree(waiter.mode, for: waiter.session) {
        lock.queue.remove(at: index)
        lock.grant(waiter.mode, to: waiter.session)
        waiter.call.resume(returning: true)
      } else {
        ahead |= waiter.mode.bit
        index += 1
      }
    }
  }

  /// Releases what a transaction holds: its locks, its weak table locks, and itself.
  func releaseAll(of transaction: Transaction) {
    let session = transaction.session
    if transaction.isWaitedFor { release(.transaction(transaction), .exclusive, session) }
    while let held = transaction.heldLocks.popLast() {
      release(held.tag, held.mode, session)
      if held.tag.kind == .relation, !held.mode.isWeak { database.table(id: held.tag.first)?.strongLocks -= 1 }
    }
  }

  /// Wakes those that wait for the transaction, so that they look again: what they wait for may have been undone.
  func wakeWaiters(of transaction: Transaction) {
    guard transaction.isWaitedFor else { return }
    transaction.isWaitedFor = false
    release(.transaction(transaction), .exclusive, transaction.session)
  }

  // MARK: Deadlocks

  /// The process numbers of the sessions that keep `session` waiting, as `pg_blocking_pids` gives them.
  func blockingPIDs(of session: Session) -> [Int] {
    guard let waiter = session.waiter else { return [] }
    return Array(Set(waiter.lock.blockers(of: waiter).map(\.session.pid))).sorted()
  }

  private func checkDeadlock(_ waiter: LockWaiter) {
    guard !waiter.call.isEnded, let cycle = findCycle(from: waiter) else { return }
    // A cycle through a mere place in a queue can be undone by changing the queue.
    for step in cycle {
      guard let soft = step.soft, let from = step.waiter.lock.queue.firstIndex(where: { $0 === step.waiter }),
        let to = step.waiter.lock.queue.firstIndex(where: { $0 === soft }), to < from
      else { continue }
      let lock = step.waiter.lock
      let saved = lock.queue
      lock.queue.remove(at: from)
      lock.queue.insert(step.waiter, at: to)
      if findCycle(from: waiter) == nil {
        wake(lock)
        return
      }
      lock.queue = saved
    }
    waiter.call.fail(deadlock(cycle))
  }

  private func deadlock(_ cycle: [Edge]) -> SQLError {
    database.statistics.deadlocks += 1
    var error = Failure.make(
      .deadlockDetected, "deadlock detected", detail: describe(cycle), hint: "See server log for query details.")
    error.table = nil
    return error
  }

  private typealias Edge = (waiter: LockWaiter, blocker: Session, soft: LockWaiter?)

  private func findCycle(from start: LockWaiter) -> [Edge]? {
    var visited: Set<ObjectIdentifier> = []
    func search(_ waiter: LockWaiter) -> [Edge]? {
      for (session, soft) in waiter.lock.blockers(of: waiter) {
        if session === start.session { return [(waiter, session, soft)] }
        guard visited.insert(ObjectIdentifier(session)).inserted, let next = session.waiter else { continue }
        if let rest = search(next) { return [(waiter, session, soft)] + rest }
      }
      return nil
    }
    return search(start)
  }

  private func describe(_ cycle: [Edge]) -> String {
    cycle.map { edge in
      "Process \(edge.waiter.session.pid) waits for \(edge.waiter.mode.name) on \(edge.waiter.lock.tag.description); "
        + "blocked by process \(edge.blocker.pid)."
    }.joined(separator: "\n")
  }
}
