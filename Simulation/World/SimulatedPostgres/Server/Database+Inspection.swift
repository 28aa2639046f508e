public import Seams

/// The net change that a commit made to one row.
public struct RowChange: Sendable {
  /// The table's name.
  public var table: String
  /// The table's columns.
  public var columns: SQLColumns
  /// The row as it was; `nil` when the commit inserted it.
  public var old: [SQLValue]?
  /// The row as it is; `nil` when the commit deleted it.
  public var new: [SQLValue]?

  /// The old value of a column.
  public func old(_ column: String) -> SQLValue? { columns.index(of: column).flatMap { old?[$0] } }
  /// The new value of a column.
  public func new(_ column: String) -> SQLValue? { columns.index(of: column).flatMap { new?[$0] } }
}

/// A commit, as an observer sees it.
public struct CommitRecord: Sendable {
  /// The commit's number, rising.
  public var sequence: UInt64
  /// What changed, one entry for each row.
  public var changes: [RowChange]
}

/// A committed change, kept for as long as a fail-over could lose it.
struct LoggedChange {
  let row: HeapRow
  let old: [Datum]?
  let new: [Datum]?
}

extension Database {
  /// Calls `observer` inside every commit, in the order of commits. While there is none, commits cost nothing more.
  public func onCommit(_ observer: @escaping (CommitRecord) -> Void) { commitObservers.append(observer) }

  /// The columns of a committed table; empty when there is none.
  public func columns(of table: String) -> SQLColumns {
    committedTables.first { $0.name == table }.map { columns(of: $0) } ?? SQLColumns([])
  }

  /// The committed rows of a table, in heap order; empty when there is no such table.
  public func committedRows(of name: String) -> [SQLRow] {
    guard let table = committedTables.first(where: { $0.name == name }) else { return [] }
    let columns = columns(of: table)
    let places = table.columns.indices.filter { !table.columns[$0].isDropped }
    var rows: [SQLRow] = []
    rows.reserveCapacity(table.rowCount)
    for row in table.heap {
      guard let row, let version = committedVersion(of: row) else { continue }
      rows.append(SQLRow(columns: columns, values: places.map { version.values[$0].sqlValue }))
    }
    return rows
  }

  /// The committed row whose primary key is `key`, `nil` when there is none.
  public func committedRow(of name: String, key: [SQLValue]) -> SQLRow? {
    guard let table = committedTables.first(where: { $0.name == name }), let index = table.primaryKey,
      key.count == index.columns.count,
      let values = try? zip(key, index.columns).map({ try ParameterInput.datum($0, table.columns[$1].type) })
    else { return nil }
    var found: SQLRow?
    index.entries.forEach(prefix: values) { entry in
      guard let version = committedVersion(of: entry.row),
        zip(index.columns, values).allSatisfy({ Datum.identical(version.values[$0], $1) })
      else { return true }
      found = SQLRow(columns: columns(of: table), values: sqlValues(table, version.values))
      return false
    }
    return found
  }

  func committedVersion(of row: HeapRow) -> RowVersion? {
    var candidate: RowVersion? = row.head
    while let version = candidate {
      if version.creator.state == .committed {
        return version.deleter?.state == .committed ? nil : version
      }
      candidate = version.previous
    }
    return nil
  }

  private func columns(of table: Table) -> SQLColumns {
    if let known = table.resultColumns { return known }
    let columns = SQLColumns(
      table.columns.filter { !$0.isDropped }.map { SQLColumns.Column(name: $0.name, typeName: $0.type.typeName) })
    if table.creator == nil, activeTransactions.allSatisfy({ !$0.changedCatalog }) { table.resultColumns = columns }
    return columns
  }

  private func sqlValues(_ table: Table, _ values: [Datum]) -> [SQLValue] {
    var result: [SQLValue] = []
    result.reserveCapacity(values.count)
    for (index, column) in table.columns.enumerated() where !column.isDropped { result.append(values[index].sqlValue) }
    return result
  }

  // MARK: Commits

  /// The net changes of a transaction that is about to commit.
  private func changes(_ undo: [UndoEntry], of transaction: Transaction) -> [LoggedChange] {
    var seen: Set<ObjectIdentifier> = []
    var changes: [LoggedChange] = []
    for entry in undo {
      let row: HeapRow
      switch entry {
      case .inserted(let changed), .updated(let changed), .deleted(let changed): row = changed
      default: continue
      }
      guard seen.insert(ObjectIdentifier(row)).inserted, !row.isRemoved else { continue }
      var older: RowVersion? = row.head
      while let version = older, version.creator === transaction { older = version.previous }
      let new = row.head.deleter === transaction ? nil : row.head.values
      if older == nil, new == nil { continue }
      changes.append(LoggedChange(row: row, old: older?.values, new: new))
    }
    return changes
  }

  func observe(_ undo: [UndoEntry], of transaction: Transaction) {
    let found = changes(undo, of: transaction)
    if options.replicationLogLength > 0, !found.isEmpty {
      commitLog.append((commitSequence, found))
      if commitLog.count > options.replicationLogLength { commitLog.removeFirst() }
    }
    guard !commitObservers.isEmpty else { return }
    pendingRecords.append(
      CommitRecord(
        sequence: commitSequence,
        changes: found.map { change in
          let table = change.row.table
          return RowChange(
            table: table.name, columns: columns(of: table), old: change.old.map { sqlValues(table, $0) },
            new: change.new.map { sqlValues(table, $0) })
        }))
  }

  var recordsCommits: Bool { !commitObservers.isEmpty || options.replicationLogLength > 0 }

  func notifyObservers() {
    while !pendingRecords.isEmpty {
      let record = pendingRecords.removeFirst()
      for observer in commitObservers { observer(record) }
    }
  }

  // MARK: Fail-over

  /// Says that every commit so far has reached the replica: a fail-over cannot lose it any more.
  public func replicate() { commitLog.removeAll() }

  /// Takes the latest commits back, as a fail-over to a replica that had not received them does. No session may run.
  ///
  /// - Returns: the numbers of the lost commits: at most `count`, at most what the log holds.
  func loseCommits(_ count: Int) -> [UInt64] {
    prune()
    var lost: [UInt64] = []
    while lost.count < count, let commit = commitLog.popLast() {
      for change in commit.changes.reversed() { revert(change) }
      lost.append(commit.sequence)
    }
    return lost
  }

  private func revert(_ change: LoggedChange) {
    let table = change.row.table
    func enter(_ row: HeapRow) {
      for index in table.indexes where (try? index.holds(row.head.values)) ?? false {
        index.entries.insert(index.key(of: row.head.values), row)
      }
    }
    func leave(_ row: HeapRow) {
      for index in table.indexes { index.entries.remove(index.key(of: row.head.values), row) }
    }
    switch (change.old, change.new) {
    case (nil, _):
      leave(change.row)
      table.removeRow(change.row)
    case (let old?, nil):
      change.row.head = RowVersion(values: old, creator: change.row.head.creator, command: 0, previous: nil)
      if change.row.isRemoved { table.restoreRow(change.row) }
      enter(change.row)
    case (let old?, _):
      leave(change.row)
      change.row.head = RowVersion(values: old, creator: change.row.head.creator, command: 0, previous: nil)
      enter(change.row)
    }
  }
}

extension Database {
  /// How many row versions a table stores, dead ones included: what pruning keeps flat.
  package func storedVersions(of name: String) -> Int {
    guard let table = committedTables.first(where: { $0.name == name }) else { return 0 }
    var count = 0
    for row in table.heap {
      var version = row?.head
      while let current = version {
        count += 1
        version = current.previous
      }
    }
    return count
  }

  /// How many index entries a table has.
  package func storedIndexEntries(of name: String) -> Int {
    committedTables.first { $0.name == name }?.indexes.reduce(0) { $0 + $1.entries.count } ?? 0
  }
}
