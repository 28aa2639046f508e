import Seams

/// What a step of a statement produced: its rows, and how many rows it read or changed.
struct StepResult {
  var rows: [[Datum]] = []
  var count = 0
}

extension Session {
  /// Runs a bound statement in the current transaction.
  func run(_ plan: StatementPlan, _ parameters: [Datum]) async throws -> StepResult {
    guard let transaction else { throw killedError }
    if plan.modifies { try transaction.writable(plan.command) }
    let context = ExecutionContext(session: self, parameters: parameters, stepCount: plan.steps.count)
    context.snapshot = takeSnapshot(transaction)
    defer { statementSnapshot = nil }
    if plan.steps.count == 1, case .query(let query) = plan.steps[0] {
      let rows = try query.rows(context, parent: nil, limit: nil)
      return StepResult(rows: rows, count: rows.count)
    }
    var main = StepResult()
    for number in plan.order {
      let result: StepResult
      switch plan.steps[number] {
      case .query(let query):
        let rows = try query.rows(context, parent: nil, limit: nil)
        result = StepResult(rows: rows, count: rows.count)
      case .select(let select): result = try await run(select, context)
      case .insert(let insert): result = try await run(insert, context)
      case .update(let update): result = try await run(update, context)
      case .delete(let delete): result = try await run(delete, context)
      }
      context.stepRows[number] = result.rows
      if number == plan.steps.count - 1 { main = result }
    }
    if plan.modifies {
      transaction.command += 1
      if !context.checks.isEmpty { try await checkForeignKeys(context) }
    }
    return main
  }

  /// READ COMMITTED takes a new snapshot for each statement, REPEATABLE READ one for the transaction.
  func takeSnapshot(_ transaction: Transaction) -> Snapshot {
    let sequence: UInt64
    if transaction.isolation == .repeatableRead {
      sequence = transaction.snapshotSequence ?? database.commitSequence
      transaction.snapshotSequence = sequence
    } else {
      sequence = database.commitSequence
    }
    statementSnapshot = sequence
    transaction.hasSnapshot = true
    return Snapshot(sequence: sequence, transaction: transaction, command: transaction.command)
  }

  // MARK: SELECT that locks or waits

  private func run(_ plan: SelectPlan, _ context: ExecutionContext) async throws -> StepResult {
    let frame = Frame(sources: plan.sources.count, parent: nil, context: context)
    let bounds = try LimitBounds(plan.limit, plan.offset, frame)
    let needed = bounds.needed ?? Int.max
    var rows: [[Datum]] = []
    for (number, joined) in try plan.orderedForLocking(frame).enumerated() {
      if rows.count >= needed { break }
      if number > 0 { try await pauseBetweenRows() }
      frame.slots = joined.slots
      guard try await lockSources(of: plan, frame) else { continue }
      for call in plan.blockingCalls.indices {
        if call == 0 { frame.blockingResults = [] }
        frame.blockingResults.append(try await perform(plan.blockingCalls[call], frame))
      }
      rows.append(try plan.project(frame, withKeys: false).values)
    }
    rows = bounds.apply(to: rows)
    return StepResult(rows: rows, count: rows.count)
  }

  /// Locks the rows of the joined row in the frame; newer versions take the place of those that the snapshot saw.
  ///
  /// - Returns: `false` when the row is skipped or no longer belongs to the result.
  private func lockSources(of plan: SelectPlan, _ frame: Frame) async throws -> Bool {
    var changed = false
    for locking in plan.locking {
      let slot = frame.slots[locking.source]
      guard let row = slot.row, let seen = slot.version else { continue }
      let claimed = try await claim(row, seen, locking.strength, locking.policy, locksOnly: true)
      guard let version = claimed else { return false }
      if version !== seen {
        changed = true
        frame.slots[locking.source] = Slot(values: version.values, row: row, version: version)
      }
    }
    return try !changed || plan.stillQualifies(frame)
  }

  private func perform(_ call: BlockingCall, _ frame: Frame) async throws -> Datum {
    let values = try call.arguments.map { try $0.evaluate(frame) }
    if values.contains(where: \.isNull) { return .null }
    switch call.kind {
    case .advisoryLock(let shared, let forTransaction):
      _ = try await advisoryLock(
        BuiltinFunctions.tag(values), shared: shared, forTransaction: forTransaction, wait: true)
    case .sleep: try await sleep(.nanoseconds(Int64(values[0].doubleValue * 1e9)))
    }
    return .text("")
  }

  // MARK: UPDATE and DELETE

  private func run(_ plan: UpdatePlan, _ context: ExecutionContext) async throws -> StepResult {
    let frame = Frame(sources: plan.select.sources.count, parent: nil, context: context)
    var result = StepResult()
    for (number, joined) in try plan.select.orderedForLocking(frame).enumerated() {
      if number > 0 { try await pauseBetweenRows() }
      frame.slots = joined.slots
      guard let row = joined.slots[0].row, let seen = joined.slots[0].version else { continue }
      guard let values = try await claimForUpdate(row, seen, plan, frame) else { continue }
      try await update(row, values, context)
      result.count += 1
      if !plan.returning.targets.isEmpty {
        frame.slots[0] = Slot(values: values, row: row, version: row.head)
        result.rows.append(try plan.returning.project(frame, withKeys: false).values)
      }
    }
    return result
  }

  /// Locks a row as strongly as the change that the plan makes of it needs.
  ///
  /// - Returns: the new values; `nil` when the row is gone or does not qualify any more.
  private func claimForUpdate(
    _ row: HeapRow, _ seen: RowVersion, _ plan: UpdatePlan, _ frame: Frame
  ) async throws -> [Datum]? {
    var current = seen
    while true {
      let values = try assigned(plan.assignments, to: current.values, frame)
      // As in PostgreSQL: what the row would violate as it was seen fails before any wait.
      try checkConstraints(plan.table, values)
      let strength = plan.touchesKey ? updateStrength(plan.table, current.values, values) : .noKeyUpdate
      guard let version = try await claim(row, current, strength, .wait) else { return nil }
      if version === current { return values }
      frame.slots[0] = Slot(values: version.values, row: row, version: version)
      guard try plan.select.stillQualifies(frame) else { return nil }
      current = version
    }
  }

  func assigned(_ assignments: [(column: Int, value: BoundExpression)], to old: [Datum], _ frame: Frame) throws
    -> [Datum]
  {
    var values = old
    for assignment in assignments { values[assignment.column] = try assignment.value.evaluate(frame) }
    return values
  }

  func updateStrength(_ table: Table, _ old: [Datum], _ new: [Datum]) -> RowLockStrength {
    for column in old.indices where !Datum.identical(old[column], new[column]) && table.isKeyColumn(column) {
      return .update
    }
    return .noKeyUpdate
  }

  private func run(_ plan: DeletePlan, _ context: ExecutionContext) async throws -> StepResult {
    let frame = Frame(sources: plan.select.sources.count, parent: nil, context: context)
    var result = StepResult()
    for (number, joined) in try plan.select.orderedForLocking(frame).enumerated() {
      if number > 0 { try await pauseBetweenRows() }
      frame.slots = joined.slots
      guard let row = joined.slots[0].row, let seen = joined.slots[0].version else { continue }
      guard let version = try await claim(row, seen, .update, .wait) else { continue }
      if version !== seen {
        frame.slots[0] = Slot(values: version.values, row: row, version: version)
        guard try plan.select.stillQualifies(frame) else { continue }
      }
      try delete(row, context)
      result.count += 1
      if !plan.returning.targets.isEmpty {
        result.rows.append(try plan.returning.project(frame, withKeys: false).values)
      }
    }
    return result
  }
}
