import Seams

/// What became of a wish to lock one version of a row.
enum TupleOutcome {
  case locked
  /// Another transaction has replaced or deleted the version.
  case changed
  /// The wait policy passes over what cannot be had at once.
  case skipped
}

/// How PostgreSQL locks rows: the functions bear the names of those in `heapam.c` and `heapam_handler.c` that they follow.
extension Session {
  /// Locks the row that the caller's snapshot saw in version `seen`, and returns the version to go on with.
  ///
  /// READ COMMITTED goes on with the newest version, whose condition the caller checks again; REPEATABLE READ fails
  /// when the row has changed (manual §13.2).
  ///
  /// - Parameter locksOnly: whether a SELECT locks, not an UPDATE or DELETE.
  /// - Returns: `nil` when the row is gone, is skipped, or was changed by this very command.
  /// - Throws: 40001 in REPEATABLE READ, 55P03 when the policy does not wait, what ends a wait for a lock.
  func claim(
    _ row: HeapRow, _ seen: RowVersion, _ strength: RowLockStrength, _ policy: LockWaitPolicy, locksOnly: Bool = false
  ) async throws -> RowVersion? {
    guard let transaction else { throw killedError }
    if row.head !== seen, row.head.creator === transaction { return nil }
    if row.head.deleter === transaction { return nil }
    if row.locks.isEmpty, row.head === seen, seen.deleter == nil {
      transaction.lock(row, seen, strength)
      return seen
    }
    switch try await lockTuple(row, seen, strength, policy, followsUpdates: locksOnly) {
    case .locked: return seen
    case .skipped: return nil
    case .changed: break
    }
    let isDeleted = row.isRemoved || row.head === seen
    if transaction.isolation == .repeatableRead {
      throw isDeleted && !locksOnly ? Failure.concurrentDelete : Failure.concurrentUpdate
    }
    if isDeleted { return nil }
    // An UPDATE or DELETE starts anew as a locker of what it saw.
    return try await lockLatest(row, seen, strength, policy, followsUpdates: locksOnly, isKnown: locksOnly)
  }

  /// Follows the versions from one that was replaced to the newest, and locks that (`heapam_tuple_lock`).
  ///
  /// - Parameter isKnown: whether the caller has just been told that `seen` has changed.
  /// - Returns: `nil` when the row is gone or skipped.
  private func lockLatest(
    _ row: HeapRow, _ seen: RowVersion, _ strength: RowLockStrength, _ policy: LockWaitPolicy, followsUpdates: Bool,
    isKnown: Bool
  ) async throws -> RowVersion? {
    guard let transaction else { throw killedError }
    var version = seen
    var isKnown = isKnown
    while true {
      if !isKnown {
        switch try await lockTuple(row, version, strength, policy, followsUpdates: followsUpdates) {
        case .locked: return version
        case .skipped: return nil
        case .changed: break
        }
      }
      isKnown = false
      // On the way to the newest version the wait is for the update in progress alone, without a place in a queue: all
      // who come this way go on together.
      while let updater = row.isRemoved ? nil : row.updater(of: version) {
        if updater === transaction { return nil }
        if updater.state == .active {
          guard try await wait(for: updater, policy, row) else { return nil }
        } else if let next = row.successor(of: version) {
          version = next
        } else {
          return nil
        }
      }
      if row.isRemoved { return nil }
    }
  }

  /// Locks one version of a row once nobody stands against it (`heap_lock_tuple`; `heap_update` and `heap_delete` wait
  /// in the same way).
  ///
  /// Whoever must wait takes the tuple's heavyweight lock first, which keeps the queue in order, then waits for the end
  /// of those who hold the tuple.
  ///
  /// - Parameter followsUpdates: whether versions that have come after this one are locked too, as SELECT does.
  func lockTuple(
    _ row: HeapRow, _ version: RowVersion, _ strength: RowLockStrength, _ policy: LockWaitPolicy = .wait,
    followsUpdates: Bool = false
  ) async throws -> TupleOutcome {
    guard let transaction else { throw killedError }
    let mode = Session.tupleMode(strength)
    let tuple = LockTag.tuple(row, version)
    // Who holds a lock on the tuple already does not queue for a stronger one.
    let skipsQueue = row.locks.contains { $0.owner === transaction && $0.version <= version.number }
    var hasPlace = false
    defer { if hasPlace { database.locks.release(tuple, mode, self) } }
    while true {
      if row.isRemoved { return .changed }
      let updater = row.updater(of: version)
      if updater == nil, row.head !== version { return .changed }
      // An update that has committed counts as going on while others hold a lock on the version that it replaced.
      let isReplaced = updater?.state == .committed
      let isHeld = isReplaced && row.locks.contains { $0.version <= version.number }
      let spares = updater == nil || (strength == .keyShare && row.spares(version))
      let rival = row.rival(of: transaction, for: strength, on: version)
      if spares, rival == nil {
        if followsUpdates, updater != nil, try await !lockNewer(row, version, strength) { return .changed }
        if row.isRemoved || row.rival(of: transaction, for: strength, on: version) != nil { continue }
        transaction.lock(row, version, strength)
        return .locked
      }
      if isReplaced, !isHeld { return .changed }
      if rival != nil {
        switch policy {
        case .wait: break
        case .skipLocked: return .skipped
        case .noWait: throw Session.lockNotAvailable(row)
        }
      }
      if !hasPlace, !skipsQueue {
        if !database.locks.tryAcquire(tuple, mode, self) {
          switch policy {
          case .wait: try await database.locks.wait(tuple, mode, self)
          case .skipLocked: return .skipped
          case .noWait: throw Session.lockNotAvailable(row)
          }
        }
        hasPlace = true
      }
      // In the queue the rival may have gone, or have taken back what it did since a savepoint.
      if let rival, row.rival(of: transaction, for: strength, on: version) === rival {
        try await waitForEnd(of: rival)
      }
      if followsUpdates, updater != nil, try await !lockNewer(row, version, strength) { return .changed }
      // Nobody is left to wait for but the one who has replaced the version.
      if rival == nil { return .changed }
    }
  }

  /// Waits until nobody holds a version after `version` against the lock (`heap_lock_updated_tuple`). It knows no wait
  /// policy: a SELECT … NOWAIT may wait here, as it does in PostgreSQL.
  ///
  /// - Returns: `false` when one of them was replaced by an update that conflicts with the lock.
  private func lockNewer(_ row: HeapRow, _ version: RowVersion, _ strength: RowLockStrength) async throws -> Bool {
    guard let transaction else { throw killedError }
    var version = version
    while !row.isRemoved, let next = row.successor(of: version) {
      // Members are asked in the order in which they wrote; a version that is found locked already is passed over.
      let own = row.order(of: transaction, on: next) ?? .max
      if let rival = row.firstRival(of: transaction, for: strength, on: next), rival.order < own {
        try await waitForEnd(of: rival.owner)
        continue
      }
      if let updater = row.updater(of: next), updater !== transaction, updater.state == .committed,
        updater.writeOrder ?? 0 < own, strength != .keyShare || !row.spares(next)
      {
        return false
      }
      version = next
    }
    return true
  }

  private func wait(for rival: Transaction, _ policy: LockWaitPolicy, _ row: HeapRow) async throws -> Bool {
    switch policy {
    case .wait: try await waitForEnd(of: rival)
    case .skipLocked: return false
    case .noWait: throw Session.lockNotAvailable(row)
    }
    return true
  }

  private static func lockNotAvailable(_ row: HeapRow) -> SQLError {
    var error = Failure.make(.lockNotAvailable, "could not obtain lock on row in relation \"\(row.table.name)\"")
    error.table = nil
    return error
  }

  private static func tupleMode(_ strength: RowLockStrength) -> LockMode {
    switch strength {
    case .keyShare: .accessShare
    case .share: .rowShare
    case .noKeyUpdate: .exclusive
    case .update: .accessExclusive
    }
  }
}
