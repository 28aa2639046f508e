/// One version of a row.
///
/// In-progress work is at the head of a chain only: a transaction that ends without commit takes its versions off.
final class RowVersion {
  @exclusivity(unchecked) var values: [Datum]
  let creator: Transaction
  let createdCommand: Int
  /// Its place in the row's chain: with the row it names one tuple, as a place in the heap does.
  let number: UInt32
  @exclusivity(unchecked) var deleter: Transaction?
  @exclusivity(unchecked) var deletedCommand = 0
  /// The version that this one replaced, while a snapshot may need it.
  @exclusivity(unchecked) var previous: RowVersion?
  /// Whether the update that made this version changed a key; or held the row FOR UPDATE and so might as well have, for
  /// PostgreSQL keeps only the strongest lock of a (sub)transaction and takes such an update for one of the key.
  @exclusivity(unchecked) var changesKey = false
  /// Whether every index entry of ``previous`` fits this version too, so that pruning need not touch the indexes.
  @exclusivity(unchecked) var keepsIndexEntries = false

  init(values: [Datum], creator: Transaction, command: Int, previous: RowVersion?) {
    self.values = values
    self.creator = creator
    createdCommand = command
    number = previous.map { $0.number &+ 1 } ?? 0
    self.previous = previous
  }
}

/// A row lock of a transaction. One that locks newer versions of a row in ever stronger modes has several.
struct RowLock {
  let owner: Transaction
  /// The number of the version that was locked.
  let version: UInt32
  var strength: RowLockStrength
  /// The owner's ``Transaction/writeOrder`` when it took the lock.
  let order: UInt64
}

/// A row through all its versions, newest first, with the locks on it.
final class HeapRow {
  unowned let table: Table
  let id: UInt64
  /// Where the row stands among equal keys of an index: nobody's promise, as is a place in PostgreSQL's heap.
  let tie: UInt64
  /// Where the row stands in its table's heap.
  @exclusivity(unchecked) var slot = 0
  @exclusivity(unchecked) var head: RowVersion
  @exclusivity(unchecked) var locks: [RowLock] = []
  /// Whether the row has left its table: nothing may use it any more.
  @exclusivity(unchecked) var isRemoved = false

  init(table: Table, id: UInt64, tie: UInt64, head: RowVersion) {
    self.table = table
    self.id = id
    self.tie = tie
    self.head = head
  }

  /// A transaction other than `transaction` that holds `version` against a lock of this strength: of several the one
  /// that wrote first, as PostgreSQL keeps the members of a multixact in the order of their numbers.
  ///
  /// A lock stays on the versions that come after the one it was taken on. An update in progress holds the version that
  /// it replaces.
  func rival(of transaction: Transaction, for strength: RowLockStrength, on version: RowVersion) -> Transaction? {
    firstRival(of: transaction, for: strength, on: version)?.owner
  }

  func firstRival(of transaction: Transaction, for strength: RowLockStrength, on version: RowVersion) -> RowLock? {
    if locks.isEmpty { return nil }
    var first: RowLock?
    for lock in locks
    where lock.version <= version.number && lock.owner !== transaction && lock.strength.conflicts(with: strength) {
      if lock.order < first?.order ?? .max { first = lock }
    }
    return first
  }

  /// The place of the transaction's first lock on `version` in the order of writers.
  func order(of transaction: Transaction, on version: RowVersion) -> UInt64? {
    locks.first { $0.owner === transaction && $0.version <= version.number }?.order
  }

  /// The version that replaced `version`, committed or not.
  func successor(of version: RowVersion) -> RowVersion? {
    var candidate = head
    while candidate !== version {
      guard let previous = candidate.previous else { return nil }
      if previous === version { return candidate }
      candidate = previous
    }
    return nil
  }

  /// Who replaced or deleted `version`, committed or not.
  func updater(of version: RowVersion) -> Transaction? {
    head === version ? version.deleter : successor(of: version)?.creator
  }

  /// Whether the row lives on after `version`, with its key.
  func spares(_ version: RowVersion) -> Bool {
    head === version ? version.deleter == nil : !(successor(of: version)?.changesKey ?? true)
  }

  /// Whether the transaction, since its last savepoint, has taken the row FOR UPDATE.
  func isHeldForUpdate(by transaction: Transaction) -> Bool {
    locks.contains { $0.owner === transaction && $0.strength == .update && $0.order == transaction.writeOrder }
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
