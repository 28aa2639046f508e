import Seams

extension Binder {
  func bindFunction(_ call: FunctionCallSyntax, _ scope: Scope, at position: Int) throws -> BoundExpression {
    if call.window != nil { return try bindWindow(call, scope, at: position) }
    if AggregatePlan.Kind(rawValue: call.name) != nil || call.name == "every" {
      return try bindAggregate(call, scope, at: position)
    }
    if call.filter != nil || call.isDistinct || !call.orderBy.isEmpty || call.isStar {
      throw Failure.make(
        "42809", "\(call.name) is not an aggregate function, or is one the engine does not know", at: position)
    }
    if call.name == "make_interval" { return try makeInterval(call, scope, at: position) }
    if let named = call.arguments.first(where: { $0.name != nil }) {
      throw Failure.unsupported("named arguments of \(call.name)", at: named.value.position)
    }
    let arguments = try call.arguments.map { settled(try bind($0.value, scope)) }
    switch call.name {
    case "coalesce":
      let (values, type) = try unify(arguments, "COALESCE")
      return CoalesceExpression(values, type)
    case "nullif":
      guard arguments.count == 2,
        let test = try bindComparison(.equal, arguments[0], arguments[1], at: position) as? ComparisonExpression
      else { break }
      return CaseExpression([(test, ConstantExpression(.null, test.left.type))], test.left, test.left.type)
    case "greatest", "least":
      let (values, type) = try unify(arguments, call.name.uppercased())
      let wanted = call.name == "greatest" ? 1 : -1
      return FunctionExpression(call.name, values, type, strict: false) { values, _ in
        values.reduce(Datum.null) { best, value in
          value.isNull ? best : best.isNull || Datum.compare(value, best) == wanted ? value : best
        }
      }
    default: break
    }
    if let blocking = try bindBlocking(call.name, arguments, scope, at: position) { return blocking }
    if let bound = try BuiltinFunctions.bind(call.name, arguments, self, at: position) { return bound }
    let types = arguments.map { $0.type.description }.joined(separator: ", ")
    if BuiltinFunctions.refused.contains(call.name) {
      throw Failure.unsupported("the function \(call.name)(\(types))", at: position)
    }
    throw Failure.make(
      "42883", "function \(call.name)(\(types)) does not exist", at: position,
      hint: "No function matches the given name and argument types. You might need to add explicit type casts.")
  }

  // MARK: Aggregates

  private func bindAggregate(_ call: FunctionCallSyntax, _ scope: Scope, at position: Int) throws -> BoundExpression {
    guard let grouping = scope.grouping else {
      throw Failure.make("42803", "aggregate functions are not allowed here", at: position)
    }
    if grouping.isInsideAggregate {
      throw Failure.make("42803", "aggregate function calls cannot be nested", at: position)
    }
    grouping.isInsideAggregate = true
    defer { grouping.isInsideAggregate = false }
    let plan = try aggregate(call, scope, at: position)
    grouping.plan.aggregates.append(plan)
    return ComputedExpression(.aggregate, grouping.plan.aggregates.count - 1, plan.type, at: position)
  }

  private func aggregate(_ call: FunctionCallSyntax, _ scope: Scope, at position: Int) throws -> AggregatePlan {
    let name = call.name == "every" ? "bool_and" : call.name
    guard let kind = AggregatePlan.Kind(rawValue: name) else {
      throw Failure.unsupported("the aggregate \(call.name)", at: position)
    }
    var arguments = try call.arguments.map { try resolved(settled(try bind($0.value, scope))) }
    let input = arguments.first?.type ?? .int8
    let type: SQLType
    switch kind {
    case .count: type = .int8
    case .sum:
      switch input.base {
      case .int2, .int4: type = .int8
      case .int8, .numeric: type = .numeric
      case .float8, .interval: type = input
      default: throw missing(call.name, arguments, at: position)
      }
    case .avg:
      switch input.base {
      case .int2, .int4, .int8, .numeric: type = .numeric
      case .float8, .interval: type = input
      default: throw missing(call.name, arguments, at: position)
      }
    case .min, .max:
      if [.bool, .uuid, .json, .jsonb].contains(input.base) { throw missing(call.name, arguments, at: position) }
      type = input
    case .boolOr, .boolAnd:
      guard input.base == .bool else { throw missing(call.name, arguments, at: position) }
      type = .bool
    case .arrayAgg: type = input.array
    case .stringAgg:
      guard arguments.count == 2, input.isString else { throw missing(call.name, arguments, at: position) }
      type = .text
    }
    let expected = kind == .stringAgg ? 2 : 1
    if call.isStar ? kind != .count : arguments.count != expected { throw missing(call.name, arguments, at: position) }
    if call.isStar { arguments = [] }
    let order = try call.orderBy.map { (expression: try bind($0.expression, scope), key: sortKey($0)) }
    let filter = try call.filter.map { try condition(try bind($0, scope), "FILTER", at: $0.position) }
    return AggregatePlan(
      kind, arguments, isDistinct: call.isDistinct, orderBy: order, filter: filter, type: type)
  }

  private func missing(_ name: String, _ arguments: [BoundExpression], at position: Int) -> SQLError {
    let types = arguments.map { $0.type.description }.joined(separator: ", ")
    return Failure.make(
      "42883", "function \(name)(\(types)) does not exist", at: position,
      hint: "No function matches the given name and argument types. You might need to add explicit type casts.")
  }

  func sortKey(_ syntax: SortSyntax) -> SortKey {
    SortKey(descending: syntax.descending, nullsFirst: syntax.nullsFirst ?? syntax.descending)
  }

  private func bindWindow(_ call: FunctionCallSyntax, _ scope: Scope, at position: Int) throws -> BoundExpression {
    guard let window = call.window else { preconditionFailure("not a window function") }
    if scope.grouping != nil { throw Failure.unsupported("a window function in a grouped query", at: position) }
    let partition = try window.partitionBy.map { try bind($0, scope) }
    let order = try window.orderBy.map { (expression: try bind($0.expression, scope), key: sortKey($0)) }
    let kind: WindowPlan.Kind
    let type: SQLType
    switch call.name {
    case "row_number": (kind, type) = (.rowNumber, .int8)
    case "rank": (kind, type) = (.rank, .int8)
    case _ where AggregatePlan.Kind(rawValue: call.name) != nil:
      if !order.isEmpty { throw Failure.unsupported("an aggregate over an ordered window", at: position) }
      let plan = try aggregate(call, scope, at: position)
      (kind, type) = (.aggregate(plan), plan.type)
    default: throw Failure.unsupported("the window function \(call.name)", at: position)
    }
    scope.windows.append(WindowPlan(kind, partitionBy: partition, orderBy: order))
    return ComputedExpression(.window, scope.windows.count - 1, type, at: position)
  }

  // MARK: Functions with a form of their own

  private func makeInterval(_ call: FunctionCallSyntax, _ scope: Scope, at position: Int) throws -> BoundExpression {
    let names = ["years", "months", "weeks", "days", "hours", "mins", "secs"]
    var values: [BoundExpression] = names.map {
      $0 == "secs" ? ConstantExpression(.double(0), .float8) : ConstantExpression(.int(0), .int4)
    }
    for (index, argument) in call.arguments.enumerated() {
      guard let place = argument.name.map({ names.firstIndex(of: $0) }) ?? index, place < names.count else {
        throw Failure.make("42883", "function make_interval has no such argument", at: argument.value.position)
      }
      let value = try bind(argument.value, scope)
      guard let typed = try coerce(value, to: place == 6 ? .float8 : .int4, .implicit) else {
        throw missing("make_interval", [value], at: position)
      }
      values[place] = typed
    }
    return FunctionExpression("make_interval", values, .interval) { values, _ in
      var interval = Interval(
        months: Int32(truncatingIfNeeded: values[0].intValue * 12 + values[1].intValue),
        days: Int32(truncatingIfNeeded: values[2].intValue * 7 + values[3].intValue))
      interval.microseconds = (values[4].intValue * 3600 + values[5].intValue * 60) * 1_000_000
      interval.microseconds += Int64((values[6].doubleValue * 1_000_000).rounded())
      return .interval(interval)
    }
  }

  private func bindBlocking(_ name: String, _ arguments: [BoundExpression], _ scope: Scope, at position: Int) throws
    -> BoundExpression?
  {
    let kind: BlockingCall.Kind
    switch name {
    case "pg_advisory_lock": kind = .advisoryLock(shared: false, forTransaction: false)
    case "pg_advisory_lock_shared": kind = .advisoryLock(shared: true, forTransaction: false)
    case "pg_advisory_xact_lock": kind = .advisoryLock(shared: false, forTransaction: true)
    case "pg_advisory_xact_lock_shared": kind = .advisoryLock(shared: true, forTransaction: true)
    case "pg_sleep": kind = .sleep
    default: return nil
    }
    guard scope.allowsBlockingCalls else {
      throw Failure.unsupported("\(name) anywhere but in the select list of a plain SELECT", at: position)
    }
    let typed: [BoundExpression]
    if case .sleep = kind {
      guard arguments.count == 1, let seconds = try coerce(arguments[0], to: .float8, .implicit) else {
        throw missing(name, arguments, at: position)
      }
      typed = [seconds]
    } else {
      typed = try BuiltinFunctions.advisoryKey(name, arguments, self, at: position)
    }
    scope.blockingCalls.append(BlockingCall(kind: kind, arguments: typed))
    return ComputedExpression(.blocking, scope.blockingCalls.count - 1, .void, at: position)
  }
}
