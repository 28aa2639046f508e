import Seams

extension Binder {
  /// IN, ANY, ALL, EXISTS and queries as values.
  func bindMembership(_ syntax: ExpressionSyntax, _ scope: Scope) throws -> BoundExpression {
    let position = syntax.position
    switch syntax.kind {
    case .inList(let value, let items, let negated):
      let result = try bindInList(value, items, scope, at: position)
      return negated ? NotExpression(result) : result
    case .inQuery(let value, let query, let negated):
      let result = try bindQuantifiedQuery(value, "=", all: false, query, scope, at: position)
      return negated ? NotExpression(result) : result
    case .quantifiedQuery(let value, let name, let all, let query):
      return try bindQuantifiedQuery(value, name, all: all, query, scope, at: position)
    case .quantified(let value, let name, let all, let array):
      return try bindQuantified(value, name, all: all, array, scope, at: position)
    case .scalarQuery(let query):
      let plan = try subquery(query, scope, columns: 1, at: position)
      return SubqueryExpression(.scalar, plan, number: nextSubquery(), plan.columns[0].type)
    case .arrayQuery(let query):
      let plan = try subquery(query, scope, columns: 1, at: position)
      return SubqueryExpression(.array, plan, number: nextSubquery(), plan.columns[0].type.array)
    case .exists(let query):
      let plan = try subquery(query, scope, columns: nil, at: position)
      return SubqueryExpression(.exists, plan, number: nextSubquery(), .bool)
    default: preconditionFailure("not a membership test")
    }
  }

  private func nextSubquery() -> Int {
    subqueryCount += 1
    return subqueryCount
  }

  private func subquery(_ query: QuerySyntax, _ scope: Scope, columns: Int?, at position: Int) throws -> QueryPlan {
    let plan = try bindQuery(query, parent: scope)
    if let columns, plan.columns.count != columns {
      throw Failure.make("42601", "subquery must return only one column", at: position)
    }
    return plan
  }

  private func bindInList(_ value: ExpressionSyntax, _ items: [ExpressionSyntax], _ scope: Scope, at position: Int)
    throws -> BoundExpression
  {
    if case .row(let columns) = value.kind {
      var result: BoundExpression?
      for item in items {
        let pair = ExpressionSyntax(.row(columns), at: value.position)
        let test = try bind(ExpressionSyntax(.binary("=", pair, item), at: position), scope)
        result = result.map { LogicalExpression(isAnd: false, $0, test) } ?? test
      }
      return result ?? ConstantExpression(.bool(false), .bool)
    }
    let left = settled(try bind(value, scope))
    let bound = try items.map { settled(try bind($0, scope)) }
    let types = ([left] + bound).filter { !$0.type.isUnknown }
    let mixed = types.contains { $0.type.withoutModifier != types[0].type.withoutModifier }
    if mixed, !types.allSatisfy({ $0.type.isInteger }), !types.allSatisfy({ $0.type.isString }) {
      var result: BoundExpression?
      for item in bound {
        let test = try bindComparison(.equal, left, item, at: position)
        result = result.map { LogicalExpression(isAnd: false, $0, test) } ?? test
      }
      return result ?? ConstantExpression(.bool(false), .bool)
    }
    let type = types.first?.type.withoutModifier ?? .text
    guard let test = try coerce(left, to: types.isEmpty ? .text : left.type.isUnknown ? type : left.type, .implicit)
    else { throw Failure.unsupported("this IN list", at: position) }
    var elements: [BoundExpression] = []
    for item in bound {
      guard let element = try coerce(item, to: item.type.isUnknown ? type : item.type, .implicit) else {
        throw Failure.unsupported("this IN list", at: position)
      }
      elements.append(element)
    }
    let array: BoundExpression
    if elements.allSatisfy(\.isConstant) {
      let frame = Frame.row([])
      array = ConstantExpression(.array(try elements.map { try $0.evaluate(frame) }), type.array)
    } else {
      array = ArrayExpression(elements, type.array)
    }
    return QuantifiedExpression(test, .equal, all: false, array)
  }

  private func bindQuantified(
    _ value: ExpressionSyntax, _ name: String, all: Bool, _ array: ExpressionSyntax, _ scope: Scope, at position: Int
  ) throws -> BoundExpression {
    guard let comparison = ComparisonOperator(rawValue: name) else {
      throw Failure.unsupported("\(name) ANY", at: position)
    }
    let left = settled(try bind(value, scope))
    var right = settled(try bind(array, scope))
    if right.type.isUnknown {
      guard let typed = try coerce(right, to: left.type.isUnknown ? SQLType.text.array : left.type.array, .implicit)
      else { throw Failure.unsupported("this array", at: position) }
      right = typed
    }
    guard right.type.isArray else {
      throw Failure.make("42809", "op ANY/ALL (array) requires array on right side", at: position)
    }
    let element = right.type.element
    // The comparison is checked, and the left side typed, as with one element.
    let probe = try bindComparison(comparison, left, ConstantExpression(.null, element), at: position)
    guard let typed = probe as? ComparisonExpression else { throw Failure.unsupported("this array", at: position) }
    if typed.right.type.withoutModifier != element.withoutModifier, !element.isInteger || !typed.right.type.isInteger,
      !element.isString
    {
      guard let converted = try coerce(right, to: typed.right.type.array, .implicit) else {
        throw Failure.unsupported("this array", at: position)
      }
      right = converted
    }
    return QuantifiedExpression(typed.left, comparison, all: all, right)
  }

  private func bindQuantifiedQuery(
    _ value: ExpressionSyntax, _ name: String, all: Bool, _ query: QuerySyntax, _ scope: Scope, at position: Int
  ) throws -> BoundExpression {
    guard let comparison = ComparisonOperator(rawValue: name) else {
      throw Failure.unsupported("\(name) ANY", at: position)
    }
    if case .row = value.kind { throw Failure.unsupported("a row value with a subquery", at: position) }
    let left = try bind(value, scope)
    let plan = try bindQuery(query, parent: scope)
    guard plan.columns.count == 1 else {
      throw Failure.make("42601", "subquery has too many columns", at: position)
    }
    let probe = try bindComparison(
      comparison, left, ConstantExpression(.null, plan.columns[0].type), at: position)
    guard let typed = probe as? ComparisonExpression else { throw Failure.unsupported("this subquery", at: position) }
    return SubqueryExpression(
      .quantified(typed.left, comparison, all: all), plan, number: nextSubquery(), .bool)
  }
}
