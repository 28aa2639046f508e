import Seams

extension Session {
  /// Takes a heavyweight lock for the current transaction.
  ///
  /// - Returns: `false` when `policy` does not wait and the lock is taken.
  @discardableResult
  func acquire(_ tag: LockTag, _ mode: LockMode, wait: Bool = true) async throws -> Bool {
    if !database.locks.tryAcquire(tag, mode, self) {
      guard wait else { return false }
      try await database.locks.wait(tag, mode, self)
    }
    guard let transaction else {
      database.locks.release(tag, mode, self)
      throw killedError
    }
    transaction.heldLocks.append((tag, mode, transaction.savepoints.count))
    return true
  }

  // MARK: Tables

  /// Takes a weak table lock without waiting when nobody holds or wants a strong one.
  @inline(__always)
  func lockWeakly(_ table: Table, _ mode: LockMode, _ transaction: Transaction) -> Bool {
    for held in transaction.weakLocks where held.table === table && held.mode == mode { return true }
    guard table.strongLocks == 0 else {
      return transaction.heldLocks.contains { $0.tag == .relation(table) && $0.mode == .accessExclusive }
    }
    transaction.weakLocks.append((table, mode, transaction.savepoints.count))
    return true
  }

  /// Locks a table for the current transaction.
  func lock(_ table: Table, _ mode: LockMode, wait: Bool = true) async throws -> Bool {
    guard let transaction else { throw killedError }
    if mode.isWeak, lockWeakly(table, mode, transaction) { return true }
    if transaction.heldLocks.contains(where: { $0.tag == .relation(table) && $0.mode == mode }) { return true }
    if !mode.isWeak {
      table.strongLocks += 1
      publishWeakLocks(on: table)
    }
    do {
      if try await acquire(.relation(table), mode, wait: wait) { return true }
      if !mode.isWeak { table.strongLocks -= 1 }
      return false
    } catch {
      if !mode.isWeak { table.strongLocks -= 1 }
      throw error
    }
  }

  /// Moves the weak locks on a table into the lock table, where a strong request can see them.
  private func publishWeakLocks(on table: Table) {
    for other in database.activeTransactions {
      for held in other.weakLocks where held.table === table {
        database.locks.lock(.relation(table)).grant(held.mode, to: other.session)
        other.heldLocks.append((.relation(table), held.mode, held.depth))
      }
      other.weakLocks.removeAll { $0.table === table }
    }
  }

  // MARK: Transactions

  /// Waits until the transaction has committed or rolled back.
  func waitForEnd(of rival: Transaction) async throws {
    guard rival.state == .active else { return }
    let tag = LockTag.transaction(rival)
    if !rival.isWaitedFor {
      rival.isWaitedFor = true
      database.locks.lock(tag).grant(.exclusive, to: rival.session)
    }
    if !database.locks.tryAcquire(tag, .share, self) { try await database.locks.wait(tag, .share, self) }
    database.locks.release(tag, .share, self)
    if transaction == nil { throw killedError }
  }

  // MARK: Advisory

  func advisoryLock(_ tag: LockTag, shared: Bool, forTransaction: Bool, wait: Bool) async throws -> Bool {
    let mode: LockMode = shared ? .share : .exclusive
    if forTransaction { return try await acquire(tag, mode, wait: wait) }
    if !database.locks.tryAcquire(tag, mode, self) {
      guard wait else { return false }
      try await database.locks.wait(tag, mode, self)
    }
    sessionLocks.append((tag, mode))
    return true
  }

  /// Takes an advisory lock when it is free.
  func tryAdvisoryLock(_ tag: LockTag, forTransaction: Bool) -> Bool {
    guard database.locks.tryAcquire(tag, .exclusive, self) else { return false }
    if forTransaction, let transaction {
      transaction.heldLocks.append((tag, .exclusive, transaction.savepoints.count))
    } else {
      sessionLocks.append((tag, .exclusive))
    }
    return true
  }

  func advisoryUnlock(_ tag: LockTag, shared: Bool) -> Bool {
    let mode: LockMode = shared ? .share : .exclusive
    guard let index = sessionLocks.lastIndex(where: { $0.tag == tag && $0.mode == mode }) else { return false }
    sessionLocks.remove(at: index)
    return database.locks.release(tag, mode, self)
  }

  func advisoryUnlockAll() {
    while let held = sessionLocks.popLast() { database.locks.release(held.tag, held.mode, self) }
  }
}
