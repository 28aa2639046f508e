import Seams

/// Turns FROM and WHERE into an order of sources and an access path for each.
final class JoinPlanner {
  private let binder: Binder
  private let scope: Scope
  private(set) var sources: [PlanSource] = []
  /// Inner conditions with the sources they read.
  private var filters: [(condition: BoundExpression, sources: UInt64)] = []
  /// For a source on the right of a LEFT JOIN: what must come before it, and its ON.
  private var leftJoins: [Int: (before: UInt64, conditions: [BoundExpression])] = [:]
  /// Sources that stand already (the row of an UPDATE's target does not: it is scanned).
  var given: UInt64 = 0

  init(binder: Binder, scope: Scope) {
    self.binder = binder
    self.scope = scope
  }

  func isNullable(_ source: Int) -> Bool { leftJoins[source] != nil }

  func addTable(_ table: Table, name: String, at position: Int) throws {
    _ = try scope.add(
      Scope.Source(name: name, columns: Scope.columns(of: table), table: table), at: position)
    sources.append(PlanSource(kind: .table(table), width: table.columns.count))
  }

  func add(_ item: FromSyntax) throws { _ = try place(item) }

  /// Adds an item and returns its sources.
  private func place(_ item: FromSyntax) throws -> UInt64 {
    switch item {
    case .table(let name, let alias, let position):
      if let common = binder.commonTable(name) {
        return try addPlan(
          StepPlan(step: common.step, columns: common.columns),
          AliasSyntax(name: alias?.name ?? name, columns: alias?.columns ?? []),
          at: position)
      }
      if let plan = SystemCatalog.plan(name, binder.session) {
        return try addPlan(plan, alias ?? AliasSyntax(name: SystemCatalog.shortName(name)), at: position)
      }
      if alias.map({ !$0.columns.isEmpty }) ?? false {
        throw Failure.unsupported("column aliases of a table", at: position)
      }
      let table = try binder.table(name, .accessShare, at: position)
      try addTable(table, name: alias?.name ?? name, at: position)
      return 1 << UInt64(sources.count - 1)
    case .query(let query, let alias, let position):
      // A query in FROM sees what is around, not what is beside.
      let plan = try binder.bindQuery(query, parent: scope.parent)
      for reference in plan.outerReferences { scope.outerReferences.append(reference) }
      return try addPlan(plan, alias, at: position)
    case .function(let call, let ordinality, let alias, let position):
      return try addFunction(call, ordinality, alias, at: position)
    case .join(let left, let right, let isLeft, let join): return try addJoin(left, right, isLeft, join)
    }
  }

  private func addPlan(_ plan: QueryPlan, _ alias: AliasSyntax, at position: Int) throws -> UInt64 {
    if alias.columns.count > plan.columns.count {
      throw Failure.make(
        "42P10",
        "table \"\(alias.name)\" has \(plan.columns.count) columns available but \(alias.columns.count) columns specified",
        at: position)
    }
    let columns = plan.columns.enumerated().map { index, column in
      (name: index < alias.columns.count ? alias.columns[index] : column.name, type: column.type, index: index)
    }
    _ = try scope.add(Scope.Source(name: alias.name, columns: columns, table: nil), at: position)
    sources.append(PlanSource(kind: .plan(plan), width: columns.count))
    return 1 << UInt64(sources.count - 1)
  }

  private func addFunction(_ call: FunctionCallSyntax, _ ordinality: Bool, _ alias: AliasSyntax?, at position: Int)
    throws -> UInt64
  {
    // Arguments see the query around (no LATERAL); a reference to a neighbour is refused by name.
    let inner = Scope(parent: scope)
    let arguments = try call.arguments.map { argument -> BoundExpression in
      let value = binder.settled(try binder.bind(argument.value, inner))
      if value.sources(depth: 1) != 0 {
        throw Failure.unsupported("a function in FROM that reads another item of FROM", at: argument.value.position)
      }
      return value
    }
    if !inner.outerReferences.isEmpty {
      throw Failure.unsupported("a correlated function in FROM", at: position)
    }
    let name = alias?.name ?? call.name
    var columns: [(name: String, type: SQLType)] = []
    let function: TableFunction
    switch call.name {
    case "unnest":
      for (index, argument) in arguments.enumerated() {
        guard argument.type.isArray else {
          throw Failure.make(
            "42883", "function unnest(\(argument.type)) does not exist", at: call.arguments[index].value.position)
        }
        columns.append((arguments.count == 1 ? name : "unnest", argument.type.element))
      }
      function = TableFunction(.unnest(arguments))
    case "generate_series":
      guard (2...3).contains(arguments.count) else {
        throw Failure.make("42883", "function generate_series does not exist", at: position)
      }
      let (typed, type) = try binder.unify(arguments, "generate_series")
      guard type.isInteger else { throw Failure.unsupported("generate_series over \(type)", at: position) }
      columns.append((name, type))
      function = TableFunction(.series(typed))
    default:
      let value = try binder.bindFunction(call, inner, at: position)
      columns.append((name, value.type))
      function = TableFunction(.scalar(value))
    }
    if ordinality { columns.append(("ordinality", .int8)) }
    let aliases = alias?.columns ?? []
    if aliases.count > columns.count {
      throw Failure.make(
        "42P10",
        "table \"\(name)\" has \(columns.count) columns available but \(aliases.count) columns specified", at: position)
    }
    for (index, alias) in aliases.enumerated() { columns[index].name = alias }
    let indexed = columns.enumerated().map { (name: $1.name, type: $1.type, index: $0) }
    _ = try scope.add(Scope.Source(name: name, columns: indexed, table: nil), at: position)
    sources.append(PlanSource(kind: .function(function, ordinality: ordinality), width: columns.count))
    return 1 << UInt64(sources.count - 1)
  }

  private func addJoin(_ left: FromSyntax, _ right: FromSyntax, _ isLeft: Bool, _ join: JoinConditionSyntax) throws
    -> UInt64
  {
    let leftMask = try place(left)
    if isLeft, case .join = right { throw Failure.unsupported("a join on the right of a LEFT JOIN") }
    let rightMask = try place(right)
    var conditions: [BoundExpression] = []
    switch join {
    case .cross: break
    case .on(let syntax):
      split(try binder.condition(try binder.bind(syntax, scope), "JOIN/ON", at: syntax.position), into: &conditions)
    case .using(let names):
      for name in names { conditions.append(try merge(name, leftMask, rightMask)) }
    }
    if isLeft {
      leftJoins[sources.count - 1] = (leftMask, conditions)
    } else {
      for condition in conditions { addFilter(condition) }
    }
    return leftMask | rightMask
  }

  private func merge(_ name: String, _ left: UInt64, _ right: UInt64) throws -> BoundExpression {
    func find(_ mask: UInt64) throws -> ColumnExpression {
      for (number, source) in scope.sources.enumerated() where mask & (1 << UInt64(number)) != 0 {
        if let column = source?.columns.first(where: { $0.name == name }) {
          return ColumnExpression(level: 0, source: number, column: column.index, column.type, at: nil)
        }
      }
      throw Failure.make("42703", "column \"\(name)\" specified in USING clause does not exist in left table")
    }
    let (a, b) = (try find(left), try find(right))
    if scope.merged[name] == nil { scope.merged[name] = (a.source, a.column) }
    return try binder.bindComparison(.equal, a, b, at: 0)
  }

  func addFilter(_ condition: BoundExpression) {
    var parts: [BoundExpression] = []
    split(condition, into: &parts)
    for part in parts { filters.append((part, part.sources())) }
  }

  private func split(_ condition: BoundExpression, into parts: inout [BoundExpression]) {
    if let logical = condition as? LogicalExpression, logical.isAnd {
      split(logical.left, into: &parts)
      split(logical.right, into: &parts)
    } else {
      parts.append(condition)
    }
  }

  // MARK: Order and access

  func install(in plan: SelectPlan) {
    plan.sources = sources
    plan.constantFilters = filters.filter { $0.sources == 0 }.map(\.condition)
    plan.recheck = filters.map(\.condition)
    var placed: UInt64 = 0
    var applied = Set<Int>()
    for index in filters.indices where filters[index].sources == 0 { applied.insert(index) }
    while plan.steps.count < sources.count {
      var best: (source: Int, candidate: AccessChooser.Candidate)?
      for source in sources.indices where placed & (1 << UInt64(source)) == 0 {
        if let left = leftJoins[source], left.before & ~placed != 0 { continue }
        let candidate = candidate(source, placed, plan)
        if best == nil || candidate.rank < best!.candidate.rank { best = (source, candidate) }
      }
      guard let best else { preconditionFailure("no source can be placed") }
      placed |= 1 << UInt64(best.source)
      var due: [BoundExpression] = []
      for index in filters.indices where !applied.contains(index) && filters[index].sources & ~placed == 0 {
        applied.insert(index)
        due.append(filters[index].condition)
      }
      let left = leftJoins[best.source]
      plan.steps.append(
        JoinStep(
          source: best.source, access: best.candidate.path, conditions: left?.conditions ?? [], isLeft: left != nil,
          filters: due))
      if best.candidate.providesOrder { plan.isOrderedByAccess = true }
    }
  }

  private func candidate(_ source: Int, _ placed: UInt64, _ plan: SelectPlan) -> AccessChooser.Candidate {
    guard case .table(let table) = sources[source].kind else {
      return AccessChooser.Candidate(path: .sequential, rank: 3, providesOrder: false)
    }
    let conditions = leftJoins[source]?.conditions ?? filters.map(\.condition)
    let chooser = AccessChooser(table: table, source: source, placed: placed, conditions: conditions)
    let orderable =
      sources.count == 1 && plan.grouping == nil && plan.windows.isEmpty && !plan.isDistinct && !plan.orderBy.isEmpty
    return chooser.best(order: orderable ? plan.orderBy : [], hasLimit: plan.limit != nil)
  }
}
