import Seams

extension Database {
  /// Ends a transaction with its work in force: from here every new snapshot sees it.
  func commit(_ transaction: Transaction) {
    commitSequence += 1
    let undo = transaction.undo
    if recordsCommits { observe(undo, of: transaction) }
    transaction.markCommitted(commitSequence)
    for action in transaction.commitActions { action() }
    transaction.commitActions = []
    releaseRowLocks(undo, of: transaction)
    finish(transaction)
    statistics.commits += 1
    enqueueForPruning(undo, sequence: commitSequence)
    prune()
    if !commitObservers.isEmpty { notifyObservers() }
  }

  /// Ends a transaction as if it had never been.
  func rollback(_ transaction: Transaction) {
    undo(transaction, downTo: 0)
    transaction.markAborted()
    finish(transaction)
    statistics.rollbacks += 1
    prune()
  }

  private func finish(_ transaction: Transaction) {
    if transaction.changedCatalog {
      catalogVersion += 1
      for table in committedTables { table.resultColumns = nil }
    }
    locks.releaseAll(of: transaction)
    activeTransactions.removeAll { $0 === transaction }
  }

  private func releaseRowLocks(_ undo: [UndoEntry], of transaction: Transaction) {
    for entry in undo {
      guard case .locked(let row, previous: nil) = entry else { continue }
      if row.locks.count == 1 { row.locks = [] } else { row.locks.removeAll { $0.owner === transaction } }
    }
  }

  /// Takes back what the transaction did after its first `count` entries.
  func undo(_ transaction: Transaction, downTo count: Int) {
    while transaction.undo.count > count {
      switch transaction.undo.removeLast() {
      case .inserted(let row):
        for index in row.table.indexes { removeEntry(index, row.head.values, row) }
        row.table.removeRow(row)
      case .updated(let row):
        let undone = row.head
        guard let previous = undone.previous else { preconditionFailure("an update without an older version") }
        row.head = previous
        if !undone.keepsIndexEntries { removeEntries(of: undone, row) }
      case .deleted(let row): row.head.deleter = nil
      case .locked(let row, let previous):
        // The latest of the transaction's locks on the row is the one that was taken or strengthened last.
        guard let index = row.locks.lastIndex(where: { $0.owner === transaction }) else { break }
        if let previous { row.locks[index].strength = previous } else { row.locks.remove(at: index) }
      case .catalog(let action): action()
      }
    }
  }

  private func removeEntry(_ index: Index, _ values: [Datum], _ row: HeapRow) {
    if (try? index.holds(values)) ?? true { index.entries.remove(index.key(of: values), row) }
  }

  /// Removes the index entries of a version that left its row, except those that a version left in it still has.
  private func removeEntries(of version: RowVersion, _ row: HeapRow) {
    for index in row.table.indexes {
      let key = index.key(of: version.values)
      guard (try? index.holds(version.values)) ?? true else { continue }
      var candidate: RowVersion? = row.head
      var isNeeded = false
      while let other = candidate, !isNeeded {
        isNeeded =
          ((try? index.holds(other.values)) ?? true)
          && zip(index.key(of: other.values), key).allSatisfy { Datum.identical($0, $1) }
        candidate = other.previous
      }
      if !isNeeded { index.entries.remove(key, row) }
    }
  }

  // MARK: Pruning

  private func enqueueForPruning(_ undo: [UndoEntry], sequence: UInt64) {
    for entry in undo {
      switch entry {
      case .updated(let row), .deleted(let row): pruneQueue.append((row, sequence))
      default: break
      }
    }
  }

  /// Drops the versions that no snapshot can see any more.
  func prune() {
    guard !pruneQueue.isEmpty else { return }
    let horizon = oldestSnapshot
    while let first = pruneQueue.first, first.sequence <= horizon {
      pruneQueue.removeFirst()
      prune(first.row, horizon: horizon)
    }
  }

  private func prune(_ row: HeapRow, horizon: UInt64) {
    guard !row.isRemoved else { return }
    var version = row.head
    // The newest version that every snapshot sees or has passed; what is older is dead.
    while version.creator.commitSequence > horizon {
      guard let previous = version.previous else { return }
      version = previous
    }
    var dead = version.previous
    version.previous = nil
    var clean = version.keepsIndexEntries
    while let old = dead {
      if !clean { removeEntries(of: old, row) }
      clean = clean && old.keepsIndexEntries
      dead = old.previous
      old.previous = nil
    }
    if let deleter = row.head.deleter, deleter.commitSequence <= horizon {
      for index in row.table.indexes { removeEntry(index, row.head.values, row) }
      row.table.removeRow(row)
    }
  }

  /// The newest commit that every snapshot in use sees.
  private var oldestSnapshot: UInt64 {
    var oldest = commitSequence
    for transaction in activeTransactions {
      if let sequence = transaction.snapshotSequence { oldest = min(oldest, sequence) }
      if let sequence = transaction.session.statementSnapshot { oldest = min(oldest, sequence) }
    }
    return oldest
  }
}
