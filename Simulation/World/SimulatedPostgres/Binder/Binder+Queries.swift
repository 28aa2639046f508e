import Seams

extension Binder {
  /// Binds a query. One that locks rows or may wait becomes a step of the statement, and its plan reads that step.
  func bindQuery(_ query: QuerySyntax, parent: Scope?, resolveUnknowns: Bool = true) throws -> QueryPlan {
    if !query.with.isEmpty { try bindWith(query.with) }
    defer { if !query.with.isEmpty { endWith() } }
    switch query.body {
    case .select(let select):
      let plan = try bindSelect(select, query, parent, resolveUnknowns: resolveUnknowns)
      guard plan.mustRunAsStep else { return plan }
      if plan.isCorrelated {
        throw Failure.unsupported("a correlated subquery that locks rows", at: query.position)
      }
      return StepPlan(step: addStep(.select(plan)), columns: plan.columns)
    case .values(let rows):
      let plan = try bindValues(rows, parent, resolveUnknowns: resolveUnknowns)
      return try combined([plan], query, removesDuplicates: false, parent)
    case .union(let left, let right, let all):
      let inputs = [try bindQuery(left, parent: parent), try bindQuery(right, parent: parent)]
      return try combined(try matched(inputs, at: query.position), query, removesDuplicates: !all, parent)
    }
  }

  private func bindValues(_ rows: [[ExpressionSyntax]], _ parent: Scope?, resolveUnknowns: Bool) throws -> ValuesPlan {
    let scope = Scope(parent: parent)
    var bound = try rows.map { row in try row.map { settled(try bind($0, scope)) } }
    let width = bound[0].count
    for (index, row) in bound.enumerated() where row.count != width {
      throw Failure.make("42601", "VALUES lists must all be the same length", at: rows[index][0].position)
    }
    var columns: [PlanColumn] = []
    for column in 0..<width {
      let cells = bound.map { $0[column] }
      if !resolveUnknowns, cells.allSatisfy({ $0.type.isUnknown }) {
        columns.append(PlanColumn(name: "column\(column + 1)", type: .unknown))
        continue
      }
      let (unified, type) = try unify(cells, "VALUES")
      for row in bound.indices { bound[row][column] = unified[row] }
      columns.append(PlanColumn(name: "column\(column + 1)", type: type))
    }
    let plan = ValuesPlan(bound, columns: columns)
    finish(plan, scope)
    return plan
  }

  private func finish(_ plan: QueryPlan, _ scope: Scope) {
    plan.outerReferences = scope.outerReferences
    plan.isCorrelated = !scope.outerReferences.isEmpty
  }

  /// The inputs of a UNION with their columns converted to common types.
  private func matched(_ inputs: [QueryPlan], at position: Int) throws -> [QueryPlan] {
    guard inputs[0].columns.count == inputs[1].columns.count else {
      throw Failure.make("42601", "each UNION query must have the same number of columns", at: position)
    }
    let types = try inputs[0].columns.indices.map { index in
      try commonType(inputs.map { ($0.columns[index].type, position) }, "UNION")
    }
    return try inputs.map { input in
      guard zip(input.columns, types).contains(where: { $0.type.withoutModifier != $1.withoutModifier }) else {
        return input
      }
      let wrapper = SelectPlan(columns: [])
      wrapper.sources = [PlanSource(kind: .plan(input), width: input.columns.count)]
      wrapper.steps = [JoinStep(source: 0, access: .sequential, conditions: [], isLeft: false, filters: [])]
      for (index, column) in input.columns.enumerated() {
        let value = ColumnExpression(level: 0, source: 0, column: index, column.type, at: nil)
        guard let converted = try coerce(value, to: types[index], .implicit) else {
          throw Failure.make(
            "42804", "UNION types \(column.type) and \(types[index]) cannot be matched", at: position)
        }
        wrapper.targets.append(converted)
        wrapper.columns.append(PlanColumn(name: column.name, type: types[index]))
      }
      wrapper.outerReferences = input.outerReferences
      wrapper.isCorrelated = input.isCorrelated
      return wrapper
    }
  }

  private func combined(_ inputs: [QueryPlan], _ query: QuerySyntax, removesDuplicates: Bool, _ parent: Scope?) throws
    -> QueryPlan
  {
    if let locking = query.locking.first {
      throw Failure.make(
        .featureNotSupported, "\(locking.strength.keywords) is not allowed with UNION/INTERSECT/EXCEPT",
        at: locking.position)
    }
    if inputs.count == 1, query.orderBy.isEmpty, query.limit == nil, query.offset == nil { return inputs[0] }
    let plan = CombinedPlan(inputs, removesDuplicates: removesDuplicates, columns: inputs[0].columns)
    for sort in query.orderBy {
      let column: Int?
      switch sort.expression.kind {
      case .number(let digits): column = Int(digits).map { $0 - 1 }
      case .column(let path) where path.count == 1: column = plan.columns.firstIndex { $0.name == path[0] }
      default: column = nil
      }
      guard let column, plan.columns.indices.contains(column) else {
        throw Failure.unsupported("this ORDER BY over a UNION or VALUES", at: sort.expression.position)
      }
      plan.orderBy.append((column, sortKey(sort)))
    }
    let scope = Scope(parent: parent)
    (plan.limit, plan.offset) = (try bound(query.limit, "LIMIT", scope), try bound(query.offset, "OFFSET", scope))
    plan.outerReferences = inputs.flatMap(\.outerReferences)
    plan.isCorrelated = !plan.outerReferences.isEmpty
    return plan
  }

  private func bound(_ syntax: ExpressionSyntax?, _ name: String, _ scope: Scope) throws -> BoundExpression? {
    guard let syntax else { return nil }
    guard let value = try coerce(try bind(syntax, scope), to: .int8, .assignment) else {
      throw Failure.make("42804", "argument of \(name) must be type bigint", at: syntax.position)
    }
    return value
  }

  // MARK: SELECT

  private func bindSelect(_ select: SelectSyntax, _ query: QuerySyntax, _ parent: Scope?, resolveUnknowns: Bool)
    throws -> SelectPlan
  {
    let plan = SelectPlan(columns: [])
    let scope = Scope(parent: parent)
    let joins = JoinPlanner(binder: self, scope: scope)
    for item in select.from { try joins.add(item) }
    if let condition = select.condition {
      joins.addFilter(try self.condition(try bind(condition, scope), "WHERE", at: condition.position))
    }
    try bindGrouping(select, query, plan, scope)
    scope.allowsBlockingCalls = plan.grouping == nil
    try bindTargets(select.targets, plan, scope, resolveUnknowns: resolveUnknowns)
    scope.allowsBlockingCalls = false
    if let having = select.having {
      plan.grouping?.having = try condition(try bind(having, scope), "HAVING", at: having.position)
    }
    for sort in query.orderBy {
      plan.orderBy.append((try bindSort(sort, plan, scope), sortKey(sort)))
    }
    scope.grouping = nil
    try bindDistinct(select.distinct, plan, scope)
    plan.windows = scope.windows
    plan.blockingCalls = scope.blockingCalls
    (plan.limit, plan.offset) = (try bound(query.limit, "LIMIT", scope), try bound(query.offset, "OFFSET", scope))
    for clause in query.locking { try bindLocking(clause, plan, scope, joins) }
    joins.install(in: plan)
    finish(plan, scope)
    if !plan.blockingCalls.isEmpty, !plan.orderBy.isEmpty || plan.isDistinct || !plan.windows.isEmpty {
      throw Failure.unsupported("a function that waits, with ORDER BY or DISTINCT", at: query.position)
    }
    return plan
  }

  private func bindGrouping(_ select: SelectSyntax, _ query: QuerySyntax, _ plan: SelectPlan, _ scope: Scope) throws {
    let outputs = select.targets.map(\.expression) + query.orderBy.map(\.expression)
    let usesAggregates = select.having != nil || outputs.contains { Binder.containsAggregate($0) }
    guard !select.groupBy.isEmpty || usesAggregates else { return }
    let keys = try select.groupBy.map { key -> BoundExpression in
      switch key.kind {
      case .number(let digits):
        guard let index = Int(digits), select.targets.indices.contains(index - 1) else {
          throw Failure.make("42P10", "GROUP BY position \(digits) is not in select list", at: key.position)
        }
        return try bind(select.targets[index - 1].expression, scope)
      case .column(let path) where path.count == 1:
        // An input column goes before an output name.
        do { return try bind(key, scope) } catch let error as SQLError where error.sqlState == "42703" {
          guard let target = select.targets.first(where: { $0.alias == path[0] }) else { throw error }
          return try bind(target.expression, scope)
        }
      default: return try bind(key, scope)
      }
    }
    let grouping = GroupingPlan(keys: keys)
    plan.grouping = grouping
    let groupScope = GroupingScope(plan: grouping)
    for (number, source) in scope.sources.enumerated() {
      guard let primary = source?.table?.primaryKey else { continue }
      let covered = primary.columns.allSatisfy { column in
        keys.contains { ($0 as? ColumnExpression).map { $0.source == number && $0.column == column } ?? false }
      }
      if covered { groupScope.dependentSources |= 1 << UInt64(number) }
    }
    scope.grouping = groupScope
  }

  static func containsAggregate(_ syntax: ExpressionSyntax) -> Bool {
    switch syntax.kind {
    case .function(let call):
      if call.window == nil, AggregatePlan.Kind(rawValue: call.name) != nil || call.name == "every" { return true }
      return call.arguments.contains { containsAggregate($0.value) }
    case .negate(let a), .not(let a), .isNull(let a, _), .isBoolean(let a, _, _), .cast(let a, _),
      .inQuery(let a, _, _), .quantifiedQuery(let a, _, _, _):
      return containsAggregate(a)
    case .binary(_, let a, let b), .and(let a, let b), .or(let a, let b), .isDistinct(let a, let b, _),
      .quantified(let a, _, _, let b), .like(let a, let b, _, _), .subscripted(let a, let b):
      return containsAggregate(a) || containsAggregate(b)
    case .between(let a, let b, let c, _): return [a, b, c].contains { containsAggregate($0) }
    case .inList(let a, let items, _): return containsAggregate(a) || items.contains { containsAggregate($0) }
    case .caseWhen(let operand, let branches, let otherwise):
      return [operand, otherwise].contains { $0.map { containsAggregate($0) } ?? false }
        || branches.contains { containsAggregate($0.0) || containsAggregate($0.1) }
    case .array(let items), .row(let items): return items.contains { containsAggregate($0) }
    default: return false
    }
  }

  func bindTargets(_ targets: [TargetSyntax], _ plan: SelectPlan, _ scope: Scope, resolveUnknowns: Bool = true) throws {
    for target in targets {
      if case .star(let qualifier) = target.expression.kind {
        try expandStar(qualifier, plan, scope, at: target.expression.position)
        continue
      }
      var value = settled(try bind(target.expression, scope))
      if resolveUnknowns { value = try resolved(value) }
      plan.targets.append(value)
      plan.columns.append(
        PlanColumn(name: target.alias ?? Binder.columnName(target.expression), type: value.type))
    }
  }

  private func expandStar(_ qualifier: String?, _ plan: SelectPlan, _ scope: Scope, at position: Int) throws {
    var found = false
    for source in scope.sources {
      guard let source, qualifier == nil || source.name == qualifier else { continue }
      found = true
      for column in source.columns {
        if qualifier == nil, let merged = scope.merged[column.name],
          scope.sources[merged.source]?.name != source.name
        {
          continue
        }
        let reference = ExpressionSyntax(.column([source.name, column.name]), at: position)
        let value = try bind(reference, scope)
        plan.targets.append(value)
        plan.columns.append(PlanColumn(name: column.name, type: column.type))
      }
    }
    if !found {
      if let qualifier {
        throw Failure.make("42P01", "missing FROM-clause entry for table \"\(qualifier)\"", at: position)
      }
      throw Failure.make("42601", "SELECT * with no tables specified is not valid", at: position)
    }
  }

  /// The name of an output column without AS (PostgreSQL's `FigureColname`).
  static func columnName(_ syntax: ExpressionSyntax) -> String {
    switch syntax.kind {
    case .column(let path): return path[path.count - 1]
    case .function(let call): return call.name == "extract_epoch" ? "extract" : call.name
    case .cast(let operand, let type):
      let inner = columnName(operand)
      return inner == "?column?" ? SQLType.named(type.name)?.name ?? type.name : inner
    case .exists: return "exists"
    case .array, .arrayQuery: return "array"
    case .caseWhen(_, _, let otherwise):
      guard let otherwise else { return "case" }
      let name = columnName(otherwise)
      return name == "?column?" ? "case" : name
    case .scalarQuery(let query):
      if case .select(let select) = query.body, let target = select.targets.first {
        return target.alias ?? columnName(target.expression)
      }
      return "?column?"
    case .subscripted(let array, _): return columnName(array)
    case .boolean: return "bool"
    case .row: return "row"
    default: return "?column?"
    }
  }

  /// ORDER BY: an output name or number first, then an expression over the inputs.
  private func bindSort(_ sort: SortSyntax, _ plan: SelectPlan, _ scope: Scope) throws -> BoundExpression {
    switch sort.expression.kind {
    case .number(let digits):
      guard let index = Int(digits), plan.targets.indices.contains(index - 1) else {
        throw Failure.make(
          "42P10", "ORDER BY position \(digits) is not in select list", at: sort.expression.position)
      }
      return plan.targets[index - 1]
    case .column(let path) where path.count == 1:
      let matches = plan.columns.indices.filter { plan.columns[$0].name == path[0] }
      if let index = matches.first { return plan.targets[index] }
    default: break
    }
    return try resolved(try bind(sort.expression, scope))
  }

  private func bindDistinct(_ distinct: SelectSyntax.Distinct, _ plan: SelectPlan, _ scope: Scope) throws {
    switch distinct {
    case .no: return
    case .rows: plan.isDistinct = true
    case .on(let keys):
      plan.isDistinct = true
      plan.distinctOn = keys.count
      for key in keys { plan.targets.append(try bind(key, scope)) }
    }
  }

  private func bindLocking(_ clause: LockingSyntax, _ plan: SelectPlan, _ scope: Scope, _ joins: JoinPlanner) throws {
    func refuse(_ what: String) -> SQLError {
      Failure.make(
        .featureNotSupported, "\(clause.strength.keywords) is not allowed with \(what)", at: clause.position)
    }
    if plan.isDistinct { throw refuse("DISTINCT clause") }
    if let grouping = plan.grouping { throw refuse(grouping.keys.isEmpty ? "aggregate functions" : "GROUP BY clause") }
    if !plan.windows.isEmpty { throw refuse("window functions") }
    var sources: [Int] = []
    if clause.tables.isEmpty {
      for (number, source) in joins.sources.enumerated() {
        if case .table = source.kind { sources.append(number) }
        if case .plan(let inner) = source.kind, !(inner is StepPlan) {
          throw Failure.unsupported("row locking of a subquery in FROM", at: clause.position)
        }
      }
    } else {
      for (name, position) in clause.tables {
        guard let number = scope.sources.firstIndex(where: { $0?.name == name }) else {
          throw Failure.make(
            "42P01", "relation \"\(name)\" in \(clause.strength.keywords) clause not found in FROM clause",
            at: position)
        }
        guard case .table = joins.sources[number].kind else {
          throw Failure.unsupported("row locking of \(name), which is no table", at: position)
        }
        sources.append(number)
      }
    }
    for source in sources {
      if joins.isNullable(source) {
        throw Failure.make(
          .featureNotSupported,
          "\(clause.strength.keywords) cannot be applied to the nullable side of an outer join", at: clause.position)
      }
      if case .table(let table) = joins.sources[source].kind {
        _ = try self.table(table.name, .rowShare, at: clause.position)
      }
      plan.locking.append(RowLocking(source: source, strength: clause.strength, policy: clause.policy))
    }
  }
}
