import Seams

extension Binder {
  func bind(_ syntax: ExpressionSyntax, _ scope: Scope) throws -> BoundExpression {
    let bound = try bindPlain(syntax, scope)
    guard let grouping = scope.grouping, !grouping.isInsideAggregate else { return bound }
    return try grouped(bound, grouping, syntax, scope)
  }

  /// In a grouped query an expression that is a key stands for the key; a bare column must be one.
  private func grouped(_ bound: BoundExpression, _ grouping: GroupingScope, _ syntax: ExpressionSyntax, _ scope: Scope)
    throws -> BoundExpression
  {
    if let signature = bound.signature, !bound.isConstant,
      let index = grouping.signatures.firstIndex(where: { $0 == signature })
    {
      return ComputedExpression(.groupKey, index, bound.type, at: syntax.position)
    }
    guard let column = bound as? ColumnExpression, column.level == 0, case .column(let path) = syntax.kind else {
      return bound
    }
    if grouping.dependentSources & (1 << UInt64(column.source)) != 0 {
      // Functionally dependent on the primary key: any row of the group has the same value.
      let aggregate = AggregatePlan(
        .max, [column], isDistinct: false, orderBy: [], filter: nil, type: column.type)
      grouping.plan.aggregates.append(aggregate)
      return ComputedExpression(.aggregate, grouping.plan.aggregates.count - 1, column.type, at: syntax.position)
    }
    let name = path.count == 2 ? path.joined(separator: ".") : "\(scope.sources[column.source]?.name ?? "").\(path[0])"
    throw Failure.make(
      "42803", "column \"\(name)\" must appear in the GROUP BY clause or be used in an aggregate function",
      at: syntax.position)
  }

  private func bindPlain(_ syntax: ExpressionSyntax, _ scope: Scope) throws -> BoundExpression {
    let position = syntax.position
    switch syntax.kind {
    case .null: return ConstantExpression(.null, .unknown, at: position)
    case .boolean(let value): return ConstantExpression(.bool(value), .bool, at: position)
    case .string(let value): return ConstantExpression(.text(value), .unknown, at: position)
    case .number(let digits): return try number(digits, at: position)
    case .parameter(let number):
      while parameterTypes.count < number { parameterTypes.append(nil) }
      return ParameterExpression(number - 1, parameterTypes[number - 1] ?? .unknown, at: position)
    case .column(let path):
      let match = try scope.resolve(path, at: position)
      return ColumnExpression(
        level: match.level, source: match.source, column: match.column, match.type, at: position)
    case .star: throw Failure.syntax("syntax error at or near \"*\"", at: position)
    case .negate(let operand): return try negated(try bind(operand, scope), at: position)
    case .binary(let name, let left, let right): return try bindBinary(name, left, right, scope, at: position)
    case .and(let left, let right), .or(let left, let right):
      var isAnd = false
      if case .and = syntax.kind { isAnd = true }
      let name = isAnd ? "AND" : "OR"
      return LogicalExpression(
        isAnd: isAnd, try condition(try bind(left, scope), name, at: left.position),
        try condition(try bind(right, scope), name, at: right.position))
    case .not(let operand):
      return NotExpression(try condition(try bind(operand, scope), "NOT", at: operand.position))
    case .isNull(let operand, let negated):
      return TestExpression(try resolved(try bind(operand, scope)), .null, negated: negated)
    case .isBoolean(let operand, let expected, let negated):
      let value = try condition(try bind(operand, scope), "IS", at: operand.position)
      return TestExpression(value, expected.map { .boolean($0) } ?? .null, negated: negated)
    case .isDistinct(let left, let right, let negated):
      guard
        let comparison = try bindComparison(
          .equal, try bind(left, scope), try bind(right, scope), at: position) as? ComparisonExpression
      else { throw Failure.unsupported("IS DISTINCT FROM here", at: position) }
      return DistinctExpression(comparison.left, comparison.right, negated: negated)
    case .between(let value, let low, let high, let negated):
      let lower = try bindComparison(.greaterOrEqual, try bind(value, scope), try bind(low, scope), at: position)
      let upper = try bindComparison(.lessOrEqual, try bind(value, scope), try bind(high, scope), at: position)
      let both = LogicalExpression(isAnd: true, lower, upper)
      return negated ? NotExpression(both) : both
    case .inList, .inQuery, .quantified, .quantifiedQuery, .scalarQuery, .exists, .arrayQuery:
      return try bindMembership(syntax, scope)
    case .like(let value, let pattern, let insensitive, let negated):
      return try bindLike(value, pattern, insensitive, negated, scope, at: position)
    case .caseWhen(let operand, let branches, let otherwise):
      return try bindCase(operand, branches, otherwise, scope)
    case .function(let call): return try bindFunction(call, scope, at: position)
    case .cast(let operand, let type): return try bindCast(operand, type, scope, at: position)
    case .array(let items):
      let (elements, type) = try unify(try items.map { try bind($0, scope) }, "ARRAY")
      return ArrayExpression(elements, type.array)
    case .subscripted(let array, let index):
      let value = try bind(array, scope)
      guard value.type.isArray, let place = try coerce(try bind(index, scope), to: .int4, .implicit) else {
        throw Failure.make(
          "42804", "cannot subscript type \(value.type) because it does not support subscripting", at: position)
      }
      return BinaryExpression("[]", value, place, value.type.element) { array, index in
        let (values, place) = (array.arrayValue, Int(index.intValue) - 1)
        return values.indices.contains(place) ? values[place] : .null
      }
    case .row: throw Failure.unsupported("a row value here", at: position)
    case .defaultValue: throw Failure.syntax("DEFAULT is not allowed in this context", at: position)
    }
  }

  private func number(_ digits: String, at position: Int) throws -> BoundExpression {
    if let value = Int64(digits) {
      return ConstantExpression(.int(value), Int32(exactly: value) != nil ? .int4 : .int8, at: position)
    }
    guard let value = Numeric(digits) else {
      throw Failure.unsupported("numeric values of more than 38 digits", at: position)
    }
    return ConstantExpression(.numeric(value), .numeric, at: position)
  }

  private func negated(_ operand: BoundExpression, at position: Int) throws -> BoundExpression {
    let type = operand.type
    guard type.isNumber || type.base == .interval else {
      throw Failure.make("42883", "operator does not exist: - \(type)", at: position)
    }
    return UnaryExpression("-", operand, type) { value in
      switch value {
      case .int(let number): return try Arithmetic.integers("-", 0, number, type)
      case .double(let number): return .double(-number)
      case .numeric(let number): return .numeric(Numeric(unscaled: -number.unscaled, scale: number.scale))
      case .interval(let span): return .interval(-span)
      default: return value
      }
    }
  }

  private func bindBinary(
    _ name: String, _ left: ExpressionSyntax, _ right: ExpressionSyntax, _ scope: Scope, at position: Int
  ) throws -> BoundExpression {
    if case .row(let leftItems) = left.kind, case .row(let rightItems) = right.kind {
      return try bindRowComparison(name, leftItems, rightItems, scope, at: position)
    }
    return try bindOperator(name, try bind(left, scope), try bind(right, scope), at: position)
  }

  /// `(a, b) < (x, y)`: by the first pair that differs.
  private func bindRowComparison(
    _ name: String, _ left: [ExpressionSyntax], _ right: [ExpressionSyntax], _ scope: Scope, at position: Int
  ) throws -> BoundExpression {
    guard left.count == right.count, let comparison = ComparisonOperator(rawValue: name) else {
      throw Failure.make("42601", "unequal number of entries in row expressions", at: position)
    }
    func pair(_ index: Int, _ comparison: ComparisonOperator) throws -> BoundExpression {
      try bindComparison(comparison, try bind(left[index], scope), try bind(right[index], scope), at: position)
    }
    if comparison == .equal || comparison == .notEqual {
      var all = try pair(0, .equal)
      for index in left.indices.dropFirst() { all = LogicalExpression(isAnd: true, all, try pair(index, .equal)) }
      return comparison == .equal ? all : NotExpression(all)
    }
    let strict: ComparisonOperator =
      comparison == .lessOrEqual ? .less : comparison == .greaterOrEqual ? .greater : comparison
    var result = try pair(left.count - 1, comparison)
    for index in left.indices.dropLast().reversed() {
      result = LogicalExpression(
        isAnd: false, try pair(index, strict), LogicalExpression(isAnd: true, try pair(index, .equal), result))
    }
    return result
  }

  private func bindCase(
    _ operand: ExpressionSyntax?, _ branches: [(ExpressionSyntax, ExpressionSyntax)], _ otherwise: ExpressionSyntax?,
    _ scope: Scope
  ) throws -> BoundExpression {
    var conditions: [BoundExpression] = []
    for (test, _) in branches {
      if let operand {
        conditions.append(
          try bindComparison(.equal, try bind(operand, scope), try bind(test, scope), at: test.position))
      } else {
        conditions.append(try condition(try bind(test, scope), "CASE/WHEN", at: test.position))
      }
    }
    var results = try branches.map { try bind($0.1, scope) }
    // PostgreSQL considers ELSE first when it picks the type.
    if let otherwise { results.insert(try bind(otherwise, scope), at: 0) }
    let (unified, type) = try unify(results, "CASE")
    let values = otherwise == nil ? unified : Array(unified.dropFirst())
    return CaseExpression(Array(zip(conditions, values)), otherwise == nil ? nil : unified[0], type)
  }

  private func bindCast(_ operand: ExpressionSyntax, _ syntax: TypeSyntax, _ scope: Scope, at position: Int) throws
    -> BoundExpression
  {
    if syntax.name == "regclass" { throw Failure.unsupported("the type regclass", at: syntax.position) }
    let target = try type(syntax)
    if case .array(let items) = operand.kind, target.isArray {
      let elements = try items.map { item -> BoundExpression in
        let element = try bind(item, scope)
        guard let value = try coerce(element, to: target.element, .explicit) else {
          throw noCast(element.type, target.element, at: item.position)
        }
        return value
      }
      return ArrayExpression(elements, target)
    }
    let value = settled(try bind(operand, scope))
    guard let converted = try coerce(value, to: target, .explicit) else {
      throw noCast(value.type, target, at: position)
    }
    if converted === value, !(value is ParameterExpression), value.type.withoutModifier != target {
      return UnaryExpression("cast \(target)", value, target) { $0 }
    }
    return converted
  }

  private func noCast(_ source: SQLType, _ target: SQLType, at position: Int) -> SQLError {
    Failure.make("42846", "cannot cast type \(source) to \(target)", at: position)
  }

  private func bindLike(
    _ value: ExpressionSyntax, _ pattern: ExpressionSyntax, _ insensitive: Bool, _ negated: Bool, _ scope: Scope,
    at position: Int
  ) throws -> BoundExpression {
    let (left, right) = (try bind(value, scope), try bind(pattern, scope))
    guard let text = try coerce(left, to: .text, .implicit), let form = try coerce(right, to: .text, .implicit) else {
      throw Failure.make("42883", "operator does not exist: \(left.type) ~~ \(right.type)", at: position)
    }
    let match = BinaryExpression(insensitive ? "~~*" : "~~", text, form, .bool) { text, pattern in
      let (a, b) =
        insensitive
        ? (text.textValue.lowercased(), pattern.textValue.lowercased()) : (text.textValue, pattern.textValue)
      return .bool(try LikePattern.matches(Array(a.unicodeScalars)[...], Array(b.unicodeScalars)[...]))
    }
    return negated ? NotExpression(match) : match
  }
}

/// LIKE: `%` is any text, `_` one character, `\` takes the next literally.
enum LikePattern {
  static func matches(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) throws -> Bool {
    var (text, pattern) = (text, pattern)
    while let first = pattern.first {
      pattern = pattern.dropFirst()
      switch first {
      case "%":
        if pattern.isEmpty { return true }
        while true {
          if try matches(text, pattern) { return true }
          if text.isEmpty { return false }
          text = text.dropFirst()
        }
      case "_":
        if text.isEmpty { return false }
        text = text.dropFirst()
      default:
        var expected = first
        if first == "\\" {
          guard let escaped = pattern.first else {
            throw Failure.make("22025", "LIKE pattern must not end with escape character")
          }
          expected = escaped
          pattern = pattern.dropFirst()
        }
        guard text.first == expected else { return false }
        text = text.dropFirst()
      }
    }
    return text.isEmpty
  }
}
