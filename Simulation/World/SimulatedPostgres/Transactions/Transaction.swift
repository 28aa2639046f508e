import Seams

/// What a transaction did to the database, so that it can be taken back.
enum UndoEntry {
  case inserted(HeapRow)
  case updated(HeapRow)
  case deleted(HeapRow)
  case locked(HeapRow, previous: RowLockStrength?)
  case catalog(() -> Void)
}

/// A transaction, from BEGIN (or a statement outside one) to its end.
final class Transaction {
  enum State {
    case active, committed, aborted
  }

  let id: UInt64
  unowned let session: Session
  @exclusivity(unchecked) private(set) var state = State.active
  /// Its place in the order of commits; beyond every snapshot until it commits.
  @exclusivity(unchecked) private(set) var commitSequence = UInt64.max
  @exclusivity(unchecked) var isolation: IsolationLevel
  @exclusivity(unchecked) var isReadOnly: Bool
  /// `now()`: microseconds since 1970.
  let startTime: Int64
  /// The number of the running command: a statement sees what earlier commands of its transaction did.
  @exclusivity(unchecked) var command = 1
  /// The one snapshot of a REPEATABLE READ transaction, taken by its first statement.
  @exclusivity(unchecked) var snapshotSequence: UInt64?
  /// Whether any statement has taken a snapshot: from then on the isolation level stands.
  @exclusivity(unchecked) var hasSnapshot = false
  @exclusivity(unchecked) var undo: [UndoEntry] = []
  /// Run in order once the transaction has committed.
  @exclusivity(unchecked) var commitActions: [() -> Void] = []
  /// Tables locked in a weak mode, with the number of savepoints that there were.
  @exclusivity(unchecked) var weakLocks: [(table: Table, mode: LockMode, depth: Int)] = []
  /// Heavyweight locks to release at the end, or by a ROLLBACK TO an outer savepoint.
  @exclusivity(unchecked) var heldLocks: [(tag: LockTag, mode: LockMode, depth: Int)] = []
  @exclusivity(unchecked) var savepoints: [Savepoint] = []
  /// The place of this transaction, or of its part since the last savepoint, in the order in which transactions first
  /// wrote or locked a row: what the order of transaction numbers says in PostgreSQL.
  @exclusivity(unchecked) var writeOrder: UInt64?
  /// Whether the lock table holds an entry for this transaction that others wait on.
  @exclusivity(unchecked) var isWaitedFor = false
  /// Whether the catalog was changed: plans must not be shared until the end.
  @exclusivity(unchecked) var changedCatalog = false

  struct Savepoint {
    var name: String
    var undoCount: Int
    var writeOrder: UInt64?
    var settings: SessionSettings
    var pendingSettings: SessionSettings
  }

  init(id: UInt64, session: Session, isolation: IsolationLevel, readOnly: Bool, startTime: Int64) {
    self.id = id
    self.session = session
    self.isolation = isolation
    isReadOnly = readOnly
    self.startTime = startTime
  }

  func markCommitted(_ sequence: UInt64) {
    state = .committed
    commitSequence = sequence
    undo = []
    weakLocks = []
  }

  func markAborted() {
    state = .aborted
    undo = []
    weakLocks = []
  }

  /// Takes the lock on a version of the row, which must be free of rivals; a weaker one that is held becomes the
  /// stronger.
  func lock(_ row: HeapRow, _ version: RowVersion, _ strength: RowLockStrength) {
    if let index = row.locks.lastIndex(where: { $0.owner === self }) {
      let held = row.locks[index].strength
      if held >= strength { return }
      if row.locks[index].version == version.number {
        row.locks[index].strength = strength
        undo.append(.locked(row, previous: held))
        return
      }
    }
    row.locks.append(RowLock(owner: self, version: version.number, strength: strength, order: takeWriteOrder()))
    undo.append(.locked(row, previous: nil))
  }

  @discardableResult
  func takeWriteOrder() -> UInt64 {
    if let writeOrder { return writeOrder }
    let order = session.database.nextWriteOrder()
    writeOrder = order
    return order
  }

  func writable(_ command: String) throws {
    if isReadOnly {
      throw Failure.make("25006", "cannot execute \(command) in a read-only transaction")
    }
  }
}
