import Seams

/// What stands against a key in a unique index.
enum KeyConflict {
  case none
  /// A row that is there.
  case row(HeapRow)
  /// A transaction that has not ended decides.
  case pending(Transaction)
}

extension Session {
  // MARK: INSERT

  func run(_ plan: InsertPlan, _ context: ExecutionContext) async throws -> StepResult {
    let frame = Frame(sources: 2, parent: nil, context: context)
    var result = StepResult()
    var sourceRows: [[Datum]]?
    if let source = plan.source { sourceRows = try source.rows(context, parent: nil, limit: nil) }
    for number in 0..<(sourceRows?.count ?? plan.values.count) {
      if let sourceRows { frame.slots[0].values = sourceRows[number] }
      let expressions = plan.values[sourceRows == nil ? number : 0]
      var values: [Datum] = []
      values.reserveCapacity(expressions.count)
      for expression in expressions { values.append(try expression.evaluate(frame)) }
      guard let stored = try await insert(values, plan, frame, context) else { continue }
      result.count += 1
      if !plan.returning.targets.isEmpty {
        frame.slots[0] = Slot(values: stored, row: nil, version: nil)
        result.rows.append(try plan.returning.project(frame, withKeys: false).values)
      }
    }
    return result
  }

  /// Inserts one row, or does what ON CONFLICT says.
  ///
  /// - Returns: the row as it is stored now; `nil` when nothing was stored.
  private func insert(_ values: [Datum], _ plan: InsertPlan, _ frame: Frame, _ context: ExecutionContext) async throws
    -> [Datum]?
  {
    guard let transaction else { throw killedError }
    let table = plan.table
    try checkConstraints(table, values)
    while true {
      if let conflict = plan.conflict {
        switch try await resolve(conflict, table, values, frame, context) {
        case .proceed: break
        case .done(let stored): return stored
        }
      }
      transaction.takeWriteOrder()
      let version = RowVersion(
        values: values, creator: transaction, command: transaction.command, previous: nil)
      let row = table.addRow(version, chance: database.tieStream)
      transaction.undo.append(.inserted(row))
      if try await enter(row, plan.conflict) {
        for key in table.foreignKeys { context.checks.append(.child(key, row, version)) }
        return values
      }
      // Another row came first while this one waited: take it back and look again.
      for index in table.indexes where try index.holds(values) { index.entries.remove(index.key(of: values), row) }
      table.removeRow(row)
    }
  }

  /// Puts a new row into the table's indexes, waiting for rivals of its unique keys.
  ///
  /// - Returns: `false` when a key that ON CONFLICT arbitrates is taken.
  private func enter(_ row: HeapRow, _ conflict: ConflictPlan?) async throws -> Bool {
    for index in row.table.indexes {
      let values = row.head.values
      guard try index.holds(values) else { continue }
      if index.isUnique {
        let isArbiter = conflict.map { plan in plan.arbiters?.contains { $0 === index } ?? true } ?? false
        guard try await awaitKey(index, values, row, isArbiter: isArbiter) else { return false }
      }
      index.entries.insert(index.key(of: values), row)
    }
    return true
  }

  /// Waits until the key is free.
  ///
  /// - Returns: `false` when it is taken and the caller arbitrates.
  /// - Throws: 23505.
  private func awaitKey(_ index: Index, _ values: [Datum], _ row: HeapRow, isArbiter: Bool) async throws -> Bool {
    while true {
      switch try conflict(in: index, values, excluding: row) {
      case .none: return true
      case .pending(let rival): try await waitForEnd(of: rival)
      case .row:
        if isArbiter { return false }
        throw uniqueViolation(index, values)
      }
    }
  }

  private func uniqueViolation(_ index: Index, _ values: [Datum]) -> SQLError {
    Failure.constraint(
      .uniqueViolation, "duplicate key value violates unique constraint \"\(index.name)\"", table: index.table.name,
      constraint: index.name,
      detail: "Key \(Session.describeKey(index.table, index.columns, values)) already exists.")
  }

  static func describeKey(_ table: Table, _ columns: [Int], _ values: [Datum]) -> String {
    let names = columns.map { table.columns[$0].name }.joined(separator: ", ")
    let texts = columns.map { values[$0].isNull ? "null" : values[$0].outputText }.joined(separator: ", ")
    return "(\(names))=(\(texts))"
  }

  /// Who holds the key of `values` in a unique index (PostgreSQL's `_bt_check_unique`).
  func conflict(in index: Index, _ values: [Datum], excluding own: HeapRow?) throws -> KeyConflict {
    let key = index.key(of: values)
    if key.contains(where: \.isNull) { return .none }
    var result = KeyConflict.none
    try index.entries.forEach(prefix: key) { entry in
      if entry.row === own { return true }
      result = try standing(entry.row, index, key)
      if case .none = result { return true }
      return false
    }
    return result
  }

  private func standing(_ row: HeapRow, _ index: Index, _ key: [Datum]) throws -> KeyConflict {
    func matches(_ version: RowVersion) throws -> Bool {
      for (place, column) in index.columns.enumerated()
      where !Datum.identical(version.values[column], key[place]) { return false }
      return try index.holds(version.values)
    }
    let head = row.head
    if head.creator.state == .active, head.creator !== transaction {
      if try matches(head) { return .pending(head.creator) }
      // The key is being changed away by a transaction that may yet roll back.
      var older = head.previous
      while let version = older, version.creator === head.creator { older = version.previous }
      if let older, try matches(older) { return .pending(head.creator) }
      return .none
    }
    guard try matches(head) else { return .none }
    guard let deleter = head.deleter else { return .row(row) }
    if deleter === transaction || deleter.state != .active { return .none }
    return .pending(deleter)
  }

  // MARK: ON CONFLICT

  private enum Resolution {
    /// No row stands in the way: insert.
    case proceed
    case done([Datum]?)
  }

  private func resolve(
    _ plan: ConflictPlan, _ table: Table, _ values: [Datum], _ frame: Frame, _ context: ExecutionContext
  ) async throws -> Resolution {
    search: while true {
      var found: HeapRow?
      for index in plan.arbiters ?? table.indexes where index.isUnique {
        guard try index.holds(values) else { continue }
        switch try conflict(in: index, values, excluding: nil) {
        case .none: continue
        case .pending(let rival):
          try await waitForEnd(of: rival)
          continue search
        case .row(let row): found = row
        }
        break
      }
      guard let row = found else { return .proceed }
      if plan.assignments == nil {
        if transaction?.isolation == .repeatableRead, !context.activeSnapshot.sees(row.head),
          row.head.creator !== transaction
        {
          throw Failure.concurrentUpdate
        }
        return .done(nil)
      }
      if let outcome = try await updateExisting(row, plan, values, frame, context) { return outcome }
    }
  }

  /// DO UPDATE: locks the row that is there and changes it; `nil` when it changed meanwhile and the search starts anew.
  private func updateExisting(
    _ row: HeapRow, _ plan: ConflictPlan, _ excluded: [Datum], _ frame: Frame, _ context: ExecutionContext
  ) async throws -> Resolution? {
    guard let transaction, let assignments = plan.assignments else { throw killedError }
    let seen = row.head
    if seen.creator === transaction, seen.createdCommand >= transaction.command {
      throw Failure.make(
        "21000", "ON CONFLICT DO UPDATE command cannot affect row a second time",
        hint: "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
    }
    let outcome = try await lockTuple(row, seen, plan.touchesKey ? .update : .noKeyUpdate)
    if transaction.isolation == .repeatableRead, outcome == .changed || !context.activeSnapshot.sees(seen) {
      throw Failure.concurrentUpdate
    }
    if outcome == .changed { return nil }
    let source = frame.slots[0]
    defer { frame.slots[0] = source }
    frame.slots[0] = Slot(values: seen.values, row: row, version: seen)
    frame.slots[1] = Slot(values: excluded, row: nil, version: nil)
    if let condition = plan.condition, try !condition.test(frame) { return .done(nil) }
    let values = try assigned(assignments, to: seen.values, frame)
    try checkConstraints(row.table, values)
    try await update(row, values, context)
    return .done(values)
  }

  // MARK: Changes of one row, which the transaction has locked

  func update(_ row: HeapRow, _ values: [Datum], _ context: ExecutionContext) async throws {
    guard let transaction else { throw killedError }
    let table = row.table
    let old = row.head.values
    let version = RowVersion(
      values: values, creator: transaction, command: transaction.command, previous: row.head)
    var changed: [Index] = []
    for index in table.indexes where try !index.sameEntry(old, values) { changed.append(index) }
    version.changesKey =
      row.isHeldForUpdate(by: transaction) || changed.contains { $0.isUnique && $0.condition == nil }
    version.keepsIndexEntries = changed.isEmpty
    row.head = version
    transaction.undo.append(.updated(row))
    for index in changed where try index.holds(values) {
      if index.isUnique { _ = try await awaitKey(index, values, row, isArbiter: false) }
      index.entries.insert(index.key(of: values), row)
    }
    // A row that this transaction wrote is checked again: its earlier check saw a version that is no more
    // (`RI_FKey_fk_upd_check_required`). It matters for the lock on the parent.
    let isOwn = version.previous?.creator === transaction
    for key in table.foreignKeys
    where isOwn || key.columns.contains(where: { !Datum.identical(old[$0], values[$0]) }) {
      context.checks.append(.child(key, row, version))
    }
    for key in table.referencedBy
    where key.parentColumns.contains(where: { !Datum.identical(old[$0], values[$0]) }) {
      context.checks.append(.parent(key, old, isDelete: false))
    }
  }

  func delete(_ row: HeapRow, _ context: ExecutionContext) throws {
    guard let transaction else { throw killedError }
    row.head.deleter = transaction
    row.head.deletedCommand = transaction.command
    transaction.undo.append(.deleted(row))
    for key in row.table.referencedBy { context.checks.append(.parent(key, row.head.values, isDelete: true)) }
  }

  // MARK: Constraints of one row

  func checkConstraints(_ table: Table, _ values: [Datum]) throws {
    for (index, column) in table.columns.enumerated()
    where column.notNull && !column.isDropped && values[index].isNull {
      throw Failure.constraint(
        .notNullViolation,
        "null value in column \"\(column.name)\" of relation \"\(table.name)\" violates not-null constraint",
        table: table.name, column: column.name, detail: Session.failingRow(table, values))
    }
    guard !table.checks.isEmpty else { return }
    let frame = Frame.row(values)
    for check in table.checks {
      // A condition that is NULL holds (manual §5.4.1).
      if case .bool(false) = try check.condition.evaluate(frame) {
        throw Failure.constraint(
          .checkViolation, "new row for relation \"\(table.name)\" violates check constraint \"\(check.name)\"",
          table: table.name, constraint: check.name, detail: Session.failingRow(table, values))
      }
    }
  }

  static func failingRow(_ table: Table, _ values: [Datum]) -> String {
    let texts = values.indices.filter { !table.columns[$0].isDropped }.map { index -> String in
      if values[index].isNull { return "null" }
      let text = values[index].outputText
      return text.utf8.count > 64 ? String(text.prefix(64)) + "..." : text
    }
    return "Failing row contains (\(texts.joined(separator: ", ")))."
  }
}
