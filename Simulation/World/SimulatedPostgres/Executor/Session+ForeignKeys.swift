import Seams

/// A foreign key to check at the end of a statement, as PostgreSQL's row triggers do.
enum ForeignKeyCheck {
  /// A new version of a referring row: its parent must be there, and stay.
  case child(ForeignKey, HeapRow, RowVersion)
  /// A referenced row was deleted or its key changed.
  case parent(ForeignKey, [Datum], isDelete: Bool)
}

extension Session {
  func checkForeignKeys(_ context: ExecutionContext) async throws {
    var next = 0
    while next < context.checks.count {
      let check = context.checks[next]
      next += 1
      switch check {
      case .child(let key, let row, let version): try await checkChild(key, row, version, context)
      case .parent(let key, let old, let isDelete): try await checkParent(key, old, isDelete, context)
      }
    }
    context.checks = []
  }

  private func freshSnapshot(latest: Bool) throws -> Snapshot {
    guard let transaction else { throw killedError }
    let sequence =
      !latest && transaction.isolation == .repeatableRead
      ? transaction.snapshotSequence ?? database.commitSequence : database.commitSequence
    return Snapshot(sequence: sequence, transaction: transaction, command: transaction.command)
  }

  private func checkChild(_ key: ForeignKey, _ row: HeapRow, _ version: RowVersion, _ context: ExecutionContext)
    async throws
  {
    let values = key.columns.map { version.values[$0] }
    if values.contains(where: \.isNull) || row.head !== version || version.deleter != nil { return }
    let isPresent: Bool
    if let parent = try parentRow(key, values, try freshSnapshot(latest: false)) {
      isPresent = try await keepParent(parent.row, parent.version, key, values)
    } else {
      isPresent = false
    }
    guard isPresent else {
      throw Failure.constraint(
        .foreignKeyViolation,
        "insert or update on table \"\(key.child.name)\" violates foreign key constraint \"\(key.name)\"",
        table: key.child.name, constraint: key.name,
        detail:
          "Key \(Session.describeKey(key.child, key.columns, version.values)) is not present in table "
          + "\"\(key.parent.name)\".")
    }
  }

  private func parentRow(_ key: ForeignKey, _ values: [Datum], _ snapshot: Snapshot) throws
    -> (row: HeapRow, version: RowVersion)?
  {
    guard let index = key.parent.indexes.first(where: { $0.isUnique && $0.columns == key.parentColumns }) else {
      return try visibleRows(of: key.parent, key.parentColumns, values, snapshot).first
    }
    var found: (row: HeapRow, version: RowVersion)?
    index.entries.forEach(prefix: values) { entry in
      guard let version = snapshot.version(of: entry.row),
        zip(key.parentColumns, values).allSatisfy({ Datum.identical(version.values[$0], $1) })
      else { return true }
      found = (entry.row, version)
      return false
    }
    return found
  }

  /// Takes KEY SHARE on the parent; `false` when it is gone or has another key by now.
  private func keepParent(_ row: HeapRow, _ seen: RowVersion, _ key: ForeignKey, _ values: [Datum]) async throws -> Bool
  {
    guard let version = try await claim(row, seen, .keyShare, .wait, locksOnly: true) else { return false }
    return zip(key.parentColumns, values).allSatisfy { Datum.identical(version.values[$0], $1) }
  }

  private func visibleRows(of table: Table, _ columns: [Int], _ values: [Datum], _ snapshot: Snapshot) throws
    -> [(row: HeapRow, version: RowVersion)]
  {
    var found: [(row: HeapRow, version: RowVersion)] = []
    func consider(_ row: HeapRow) {
      guard let version = snapshot.version(of: row),
        zip(columns, values).allSatisfy({ !version.values[$0].isNull && Datum.equal(version.values[$0], $1) })
      else { return }
      if !found.contains(where: { $0.row === row }) { found.append((row, version)) }
    }
    if let index = table.indexes.first(where: {
      $0.condition == nil && Array($0.columns.prefix(columns.count)) == columns
    }) {
      index.entries.forEach(prefix: values) { entry in
        consider(entry.row)
        return true
      }
    } else {
      for row in table.heap { if let row { consider(row) } }
    }
    return found
  }

  private func checkParent(_ key: ForeignKey, _ old: [Datum], _ isDelete: Bool, _ context: ExecutionContext)
    async throws
  {
    guard let transaction else { throw killedError }
    let values = key.parentColumns.map { old[$0] }
    if values.contains(where: \.isNull) { return }
    let snapshot = try freshSnapshot(latest: true)
    let action = isDelete ? key.onDelete : .noAction
    // NO ACTION is content when another row has taken the key.
    if action == .noAction, try parentRow(key, values, snapshot) != nil { return }
    let children = try visibleRows(of: key.child, key.columns, values, snapshot)
    if children.isEmpty { return }
    if action == .cascade || action == .setNull { _ = try await lock(key.child, .rowExclusive) }
    for child in children {
      switch action {
      case .noAction, .restrict:
        guard let version = try await claim(child.row, child.version, .keyShare, .wait, locksOnly: true),
          zip(key.columns, values).allSatisfy({ Datum.identical(version.values[$0], $1) })
        else { continue }
        throw Failure.constraint(
          .foreignKeyViolation,
          "update or delete on table \"\(key.parent.name)\" violates foreign key constraint \"\(key.name)\" on table "
            + "\"\(key.child.name)\"",
          table: key.child.name, constraint: key.name,
          detail:
            "Key \(Session.describeKey(key.parent, key.parentColumns, old)) is still referenced from table "
            + "\"\(key.child.name)\".")
      case .cascade:
        guard let version = try await claim(child.row, child.version, .update, .wait),
          zip(key.columns, values).allSatisfy({ Datum.identical(version.values[$0], $1) })
        else { continue }
        try delete(child.row, context)
      case .setNull:
        guard let version = try await claim(child.row, child.version, .noKeyUpdate, .wait) else { continue }
        var changed = version.values
        for column in key.columns { changed[column] = .null }
        try checkConstraints(key.child, changed)
        try await update(child.row, changed, context)
      }
    }
    transaction.command += 1
  }
}
