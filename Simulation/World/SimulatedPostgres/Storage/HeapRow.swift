/// One version of a row.
///
/// In-progress work is at the head of a chain only: a transaction that ends without commit takes its versions off.
final class RowVersion {
  @exclusivity(unchecked) var values: [Datum]
  let creator: Transaction
  let createdCommand: Int
  @exclusivity(unchecked) var deleter: Transaction?
  @exclusivity(unchecked) var deletedCommand = 0
  /// The version that this one replaced, while a snapshot may need it.
  @exclusivity(unchecked) var previous: RowVersion?
  /// Whether every index entry of ``previous`` fits this version too, so that pruning need not touch the indexes.
  @exclusivity(unchecked) var keepsIndexEntries = false

  init(values: [Datum], creator: Transaction, command: Int, previous: RowVersion?) {
    self.values = values
    self.creator = creator
    createdCommand = command
    self.previous = previous
  }
}

/// A row lock of a transaction.
struct RowLock {
  let owner: Transaction
  var strength: RowLockStrength
}

/// A row through all its versions, newest first, with the locks on it.
final class HeapRow {
  unowned let table: Table
  let id: UInt64
  /// Where the row stands in its table's heap.
  @exclusivity(unchecked) var slot = 0
  @exclusivity(unchecked) var head: RowVersion
  @exclusivity(unchecked) var locks: [RowLock] = []
  /// Whether the row has left its table: nothing may use it any more.
  @exclusivity(unchecked) var isRemoved = false

  init(table: Table, id: UInt64, head: RowVersion) {
    self.table = table
    self.id = id
    self.head = head
  }

  /// A transaction other than `transaction` whose lock conflicts with `strength`: the first that locked the row.
  @inline(__always)
  func rival(of transaction: Transaction, for strength: RowLockStrength) -> Transaction? {
    if locks.isEmpty { return nil }
    for lock in locks where lock.owner !== transaction && lock.strength.conflicts(with: strength) { return lock.owner }
    return nil
  }

  /// The newest version that is not another transaction's work in progress.
  func settledHead(for transaction: Transaction) -> RowVersion {
    var head = self.head
    while head.creator.state == .active, head.creator !== transaction, let older = head.previous { head = older }
    return head
  }

  /// Whether no key column has changed between the version that was seen and `head`.
  func keepsKey(since seen: RowVersion, _ head: RowVersion) -> Bool {
    if head === seen { return true }
    var version: RowVersion? = head
    while let newer = version, newer !== seen {
      for column in newer.values.indices
      where !Datum.identical(newer.values[column], seen.values[column]) && table.isKeyColumn(column) { return false }
      version = newer.previous
    }
    return true
  }

  func strength(heldBy transaction: Transaction) -> RowLockStrength? {
    for lock in locks where lock.owner === transaction { return lock.strength }
    return nil
  }
}

/// What a statement sees: what had committed when it was taken, and what its own transaction did before.
struct Snapshot {
  let sequence: UInt64
  let transaction: Transaction
  let command: Int

  @inline(__always)
  func sees(_ version: RowVersion) -> Bool {
    version.creator === transaction
      ? version.createdCommand < command : version.creator.commitSequence <= sequence
  }

  /// The version of `row` that this snapshot sees, `nil` when it sees none.
  @inline(__always)
  func version(of row: HeapRow) -> RowVersion? {
    var candidate: RowVersion? = row.head
    while let version = candidate {
      if sees(version) {
        guard let deleter = version.deleter else { return version }
        let gone =
          deleter === transaction ? version.deletedCommand < command : deleter.commitSequence <= sequence
        return gone ? nil : version
      }
      candidate = version.previous
    }
    return nil
  }
}
