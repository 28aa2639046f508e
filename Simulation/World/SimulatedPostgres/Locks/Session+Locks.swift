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
    transaction.heldLocks.append((tag, mode))
    return true
  }

  // MARK: Tables

  /// Takes a weak table lock without waiting when nobody holds or wants a strong one.
  @inline(__always)
  func lockWeakly(_ table: Table, _ mode: LockMode, _ transaction: Transaction) -> Bool {
    for index in transaction.weakLocks.indices where transaction.weakLocks[index].table === table {
      if transaction.weakLocks[index].modes & mode.bit != 0 { return true }
      guard table.strongLocks == 0 else { return false }
      transaction.weakLocks[index].modes |= mode.bit
      return true
    }
    guard table.strongLocks == 0 else {
      return transaction.heldLocks.contains { $0.tag == .relation(table) && $0.mode == .accessExclusive }
    }
    transaction.weakLocks.append((table, mode.bit))
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
      guard let index = other.weakLocks.firstIndex(where: { $0.table === table }) else { continue }
      let modes = other.weakLocks.remove(at: index).modes
      for mode in [LockMode.accessShare, .rowShare, .rowExclusive] where modes & mode.bit != 0 {
        database.locks.lock(.relation(table)).grant(mode, to: other.session)
        other.heldLocks.append((.relation(table), mode))
      }
    }
  }

  // MARK: Rows

  /// Waits until no other transaction stands against a lock on the row, and takes it.
  ///
  /// The waiting is PostgreSQL's (`heap_lock_tuple`, `heap_update`, `heapam_tuple_lock`). Whoever wants a version that
  /// others hold waits first for that tuple's heavyweight lock, which keeps the queue in order, then for the end of the
  /// transaction that holds it. When the version has been replaced meanwhile, the queue is left, and on the way to the
  /// newest version the wait is for the end of the update in progress alone: all who come that way go on together.
  ///
  /// - Parameter seen: the version that the caller's snapshot saw; in REPEATABLE READ the wait ends as soon as another
  ///   transaction has replaced it.
  /// - Returns: `false` when the policy skips locked rows and this one is. A row that was deleted meanwhile is `true`,
  ///   and not locked.
  /// - Throws: 40001 for a version that was replaced, 55P03 when the policy does not wait.
  func lock(
    _ row: HeapRow, _ strength: RowLockStrength, _ policy: LockWaitPolicy = .wait, seen: RowVersion? = nil
  ) async throws -> Bool {
    guard let transaction else { throw killedError }
    let mode = Session.tupleMode(strength)
    // Who holds a lock on the row already does not queue for a stronger one.
    let skipsQueue = row.strength(heldBy: transaction) != nil
    var wanted = seen ?? row.settledHead(for: transaction)
    var place: LockTag?
    defer { if let place { database.locks.release(place, mode, self) } }
    while !row.isGone, let rival = row.rival(of: transaction, for: strength) {
      if let seen, transaction.isolation == .repeatableRead { try checkSerializable(row, seen, strength, transaction) }
      let current = row.settledHead(for: transaction)
      let updater = current === wanted ? nil : row.updater(besides: transaction)
      switch policy {
      case .skipLocked: return false
      case .noWait:
        var error = Failure.make(.lockNotAvailable, "could not obtain lock on row in relation \"\(row.table.name)\"")
        error.table = nil
        throw error
      case .wait: break
      }
      if current !== wanted, let left = place {
        place = nil
        database.locks.release(left, mode, self)
      }
      if let updater {
        try await waitForEnd(of: updater)
        continue
      }
      wanted = current
      if place == nil, !skipsQueue {
        let tuple = LockTag.tuple(row, current)
        if !database.locks.tryAcquire(tuple, mode, self) { try await database.locks.wait(tuple, mode, self) }
        place = tuple
        continue
      }
      try await waitForEnd(of: rival)
    }
    if !row.isGone { transaction.lock(row, strength) }
    return true
  }

  private func checkSerializable(
    _ row: HeapRow, _ seen: RowVersion, _ strength: RowLockStrength, _ transaction: Transaction
  ) throws {
    let head = row.settledHead(for: transaction)
    if row.isRemoved || head.deleter?.state == .committed { throw Failure.concurrentDelete }
    if head === seen || head.creator === transaction { return }
    if strength == .keyShare, row.keepsKey(since: seen, head) { return }
    throw Failure.concurrentUpdate
  }

  private static func tupleMode(_ strength: RowLockStrength) -> LockMode {
    switch strength {
    case .keyShare: .accessShare
    case .share: .rowShare
    case .noKeyUpdate: .exclusive
    case .update: .accessExclusive
    }
  }

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
      transaction.heldLocks.append((tag, .exclusive))
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
