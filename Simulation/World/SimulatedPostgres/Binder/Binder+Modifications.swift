import Seams

extension Binder {
  // MARK: INSERT

  func bindInsert(_ insert: InsertSyntax) throws -> InsertPlan {
    try bindWith(insert.with)
    defer { endWith() }
    let table = try table(insert.table, .rowExclusive, at: insert.position)
    let targets = try insertTargets(insert, table)
    let plan = InsertPlan(table: table)
    switch insert.source {
    case .defaultValues: plan.values = [try fullRow(table, [:])]
    case .query(let query):
      if case .values(let rows) = query.body, query.orderBy.isEmpty, query.limit == nil, query.with.isEmpty {
        plan.values = try rows.map { try bindValuesRow($0, insert, targets, table) }
      } else {
        let source = try bindQuery(query, parent: nil, resolveUnknowns: false)
        plan.source = source
        plan.values = [try bindSourceRow(source, insert, targets, table)]
      }
    }
    if let conflict = insert.conflict { plan.conflict = try bindConflict(conflict, insert, table) }
    let scope = Scope(parent: nil)
    _ = try scope.add(
      Scope.Source(name: insert.alias ?? insert.table, columns: Scope.columns(of: table), table: table),
      at: insert.position)
    try bindTargets(insert.returning, plan.returning, scope)
    return plan
  }

  private func insertTargets(_ insert: InsertSyntax, _ table: Table) throws -> [Int] {
    guard !insert.columns.isEmpty else { return table.columns.indices.filter { !table.columns[$0].isDropped } }
    var targets: [Int] = []
    for (name, position) in insert.columns {
      let column = try column(name, of: table, at: position)
      if targets.contains(column) {
        throw Failure.make("42701", "column \"\(name)\" specified more than once", at: position)
      }
      targets.append(column)
    }
    return targets
  }

  private func column(_ name: String, of table: Table, at position: Int) throws -> Int {
    guard let column = table.column(named: name) else {
      throw Failure.make("42703", "column \"\(name)\" of relation \"\(table.name)\" does not exist", at: position)
    }
    return column
  }

  private func checkCount(_ count: Int, _ targets: [Int], _ insert: InsertSyntax, at position: Int) throws {
    if count > targets.count {
      throw Failure.make("42601", "INSERT has more expressions than target columns", at: position)
    }
    if count < targets.count, !insert.columns.isEmpty {
      throw Failure.make(
        "42601", "INSERT has more target columns than expressions", at: insert.columns[count].position)
    }
  }

  private func bindValuesRow(
    _ row: [ExpressionSyntax], _ insert: InsertSyntax, _ targets: [Int], _ table: Table
  ) throws -> [BoundExpression] {
    try checkCount(row.count, targets, insert, at: row[min(targets.count, row.count - 1)].position)
    let scope = Scope(parent: nil)
    var values: [Int: BoundExpression] = [:]
    for (syntax, column) in zip(row, targets) {
      if case .defaultValue = syntax.kind { continue }
      try refuseGenerated(table.columns[column], insert.overridingSystem)
      values[column] = try assigned(try bind(syntax, scope), to: table.columns[column], at: syntax.position)
    }
    return try fullRow(table, values)
  }

  private func bindSourceRow(_ source: QueryPlan, _ insert: InsertSyntax, _ targets: [Int], _ table: Table) throws
    -> [BoundExpression]
  {
    try checkCount(source.columns.count, targets, insert, at: insert.position)
    var values: [Int: BoundExpression] = [:]
    for (index, column) in zip(source.columns.indices, targets) {
      try refuseGenerated(table.columns[column], insert.overridingSystem)
      let target = table.columns[column]
      // What has no type yet in the source's select list takes the column's.
      if source.columns[index].type.isUnknown {
        if let select = source as? SelectPlan {
          select.targets[index] = try assigned(select.targets[index], to: target, at: insert.position)
          source.columns[index].type = target.type
        } else if let list = source as? ValuesPlan {
          for row in list.expressions.indices {
            list.expressions[row][index] = try assigned(
              list.expressions[row][index], to: target, at: insert.position)
          }
          source.columns[index].type = target.type
        } else {
          throw Failure.unsupported("an untyped column in this INSERT's source", at: insert.position)
        }
      }
      let type = source.columns[index].type
      let value = ColumnExpression(level: 0, source: 0, column: index, type, at: nil)
      values[column] = try assigned(value, to: target, at: insert.position)
    }
    return try fullRow(table, values)
  }

  private func refuseGenerated(_ column: Column, _ overriding: Bool) throws {
    guard column.identityAlways == true, !overriding else { return }
    throw Failure.make(
      "428C9", "cannot insert a non-DEFAULT value into column \"\(column.name)\"",
      detail: "Column \"\(column.name)\" is an identity column defined as GENERATED ALWAYS.",
      hint: "Use OVERRIDING SYSTEM VALUE to override.")
  }

  private func fullRow(_ table: Table, _ values: [Int: BoundExpression]) throws -> [BoundExpression] {
    try table.columns.indices.map { try values[$0] ?? defaultValue(table.columns[$0]) }
  }

  private func defaultValue(_ column: Column) throws -> BoundExpression {
    if column.isDropped { return ConstantExpression(.null, column.type) }
    if let sequence = column.sequence {
      return FunctionExpression("nextval", [], column.type) { _, _ in
        let value = sequence.next
        if value > sequence.limit {
          throw Failure.make(
            "2200H", "nextval: reached maximum value of sequence \"\(sequence.name)\" (\(sequence.limit))")
        }
        sequence.next += 1
        return .int(value)
      }
    }
    return column.defaultValue ?? ConstantExpression(.null, column.type)
  }

  func assigned(_ value: BoundExpression, to column: Column, at position: Int) throws -> BoundExpression {
    let value = settled(value)
    guard let converted = try coerce(value, to: column.type, .assignment) else {
      throw Failure.make(
        "42804", "column \"\(column.name)\" is of type \(column.type) but expression is of type \(value.type)",
        at: position, hint: "You will need to rewrite or cast the expression.")
    }
    return converted
  }

  // MARK: ON CONFLICT

  private func bindConflict(_ syntax: ConflictSyntax, _ insert: InsertSyntax, _ table: Table) throws -> ConflictPlan {
    let plan = ConflictPlan()
    let scope = Scope(parent: nil)
    _ = try scope.add(
      Scope.Source(name: insert.alias ?? insert.table, columns: Scope.columns(of: table), table: table),
      at: insert.position)
    plan.arbiters = try arbiters(syntax, table, scope)
    guard let assignments = syntax.assignments else { return plan }
    _ = try scope.add(
      Scope.Source(name: "excluded", columns: Scope.columns(of: table), table: nil), at: syntax.position)
    plan.assignments = try bindAssignments(assignments, table, scope)
    plan.condition = try syntax.condition.map { try condition(try bind($0, scope), "WHERE", at: $0.position) }
    plan.touchesKey = plan.assignments?.contains { table.isKeyColumn($0.column) } ?? false
    return plan
  }

  private func arbiters(_ syntax: ConflictSyntax, _ table: Table, _ scope: Scope) throws -> [Index]? {
    if let name = syntax.constraint {
      guard let index = table.indexes.first(where: { $0.name == name && $0.isConstraint }) else {
        throw Failure.make("42704", "constraint \"\(name)\" for table \"\(table.name)\" does not exist")
      }
      return [index]
    }
    guard !syntax.columns.isEmpty else { return nil }
    let wanted = Set(try syntax.columns.map { try column($0.name, of: table, at: $0.position) })
    let signature = try syntax.indexCondition.map { condition -> String? in
      try self.condition(try bind(condition, scope), "WHERE", at: condition.position).signature
    }
    let matching = table.indexes.filter { index in
      guard index.isUnique, Set(index.columns) == wanted else { return false }
      guard let condition = index.condition else { return true }
      guard let known = condition.signature else { return false }
      return signature == .some(.some(known))
    }
    if matching.isEmpty {
      throw Failure.make(
        "42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        at: syntax.position)
    }
    return matching
  }

  func bindAssignments(_ assignments: [AssignmentSyntax], _ table: Table, _ scope: Scope) throws -> [(
    column: Int, value: BoundExpression
  )] {
    var bound: [(column: Int, value: BoundExpression)] = []
    for assignment in assignments {
      var values = [assignment.value]
      if assignment.columns.count > 1 {
        guard case .row(let items) = assignment.value.kind else {
          throw Failure.unsupported("this source of a multi-column assignment", at: assignment.value.position)
        }
        values = items
        guard values.count == assignment.columns.count else {
          throw Failure.make(
            "42601", "number of columns does not match number of values", at: assignment.value.position)
        }
      }
      for ((name, position), syntax) in zip(assignment.columns, values) {
        let column = try column(name, of: table, at: position)
        if bound.contains(where: { $0.column == column }) {
          throw Failure.make("42601", "multiple assignments to same column \"\(name)\"", at: position)
        }
        if case .defaultValue = syntax.kind {
          bound.append((column, try defaultValue(table.columns[column])))
          continue
        }
        if table.columns[column].identityAlways == true {
          throw Failure.make(
            "428C9", "column \"\(name)\" can only be updated to DEFAULT", at: position,
            detail: "Column \"\(name)\" is an identity column defined as GENERATED ALWAYS.")
        }
        bound.append(
          (column, try assigned(try bind(syntax, scope), to: table.columns[column], at: syntax.position)))
      }
    }
    return bound
  }

  // MARK: UPDATE and DELETE

  func bindUpdate(_ update: UpdateSyntax) throws -> UpdatePlan {
    try bindWith(update.with)
    defer { endWith() }
    let table = try table(update.table, .rowExclusive, at: update.position)
    let scope = Scope(parent: nil)
    let joins = JoinPlanner(binder: self, scope: scope)
    try joins.addTable(table, name: update.alias ?? update.table, at: update.position)
    for item in update.from { try joins.add(item) }
    if let condition = update.condition {
      joins.addFilter(try self.condition(try bind(condition, scope), "WHERE", at: condition.position))
    }
    let plan = UpdatePlan(table: table)
    plan.assignments = try bindAssignments(update.assignments, table, scope)
    plan.touchesKey = plan.assignments.contains { table.isKeyColumn($0.column) }
    joins.install(in: plan.select)
    try bindTargets(update.returning, plan.returning, scope)
    return plan
  }

  func bindDelete(_ delete: DeleteSyntax) throws -> DeletePlan {
    try bindWith(delete.with)
    defer { endWith() }
    let table = try table(delete.table, .rowExclusive, at: delete.position)
    let scope = Scope(parent: nil)
    let joins = JoinPlanner(binder: self, scope: scope)
    try joins.addTable(table, name: delete.alias ?? delete.table, at: delete.position)
    for item in delete.using { try joins.add(item) }
    if let condition = delete.condition {
      joins.addFilter(try self.condition(try bind(condition, scope), "WHERE", at: condition.position))
    }
    let plan = DeletePlan(table: table)
    joins.install(in: plan.select)
    try bindTargets(delete.returning, plan.returning, scope)
    return plan
  }
}
