import Seams

/// CASE: conditions are computed in order, only the chosen result is.
final class CaseExpression: BoundExpression {
  let branches: [(BoundExpression, BoundExpression)]
  let otherwise: BoundExpression?

  init(_ branches: [(BoundExpression, BoundExpression)], _ otherwise: BoundExpression?, _ type: SQLType) {
    self.branches = branches
    self.otherwise = otherwise
    super.init(type)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    for (condition, result) in branches where try condition.test(frame) { return try result.evaluate(frame) }
    return try otherwise?.evaluate(frame) ?? .null
  }

  override var children: [BoundExpression] {
    branches.flatMap { [$0.0, $0.1] } + (otherwise.map { [$0] } ?? [])
  }
}

final class CoalesceExpression: BoundExpression {
  let arguments: [BoundExpression]

  init(_ arguments: [BoundExpression], _ type: SQLType) {
    self.arguments = arguments
    super.init(type)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    for argument in arguments {
      let value = try argument.evaluate(frame)
      if !value.isNull { return value }
    }
    return .null
  }

  override var children: [BoundExpression] { arguments }
}

/// `left op ANY (array)` and `left op ALL (array)`; IN over a list is `= ANY`.
final class QuantifiedExpression: BoundExpression {
  let left: BoundExpression
  let comparison: ComparisonOperator
  let all: Bool
  let array: BoundExpression

  init(_ left: BoundExpression, _ comparison: ComparisonOperator, all: Bool, _ array: BoundExpression) {
    self.left = left
    self.comparison = comparison
    self.all = all
    self.array = array
    super.init(.bool)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    let values = try array.evaluate(frame)
    if values.isNull { return .null }
    return QuantifiedExpression.compare(try left.evaluate(frame), comparison, all: all, values.arrayValue)
  }

  static func compare(_ value: Datum, _ comparison: ComparisonOperator, all: Bool, _ values: [Datum]) -> Datum {
    if values.isEmpty { return .bool(all) }
    if value.isNull { return .null }
    var sawNull = false
    for element in values {
      if element.isNull {
        sawNull = true
      } else if comparison.holds(Datum.compare(value, element)) != all {
        return .bool(!all)
      }
    }
    return sawNull ? .null : .bool(all)
  }

  override var children: [BoundExpression] { [left, array] }
}

final class ArrayExpression: BoundExpression {
  let elements: [BoundExpression]

  init(_ elements: [BoundExpression], _ type: SQLType) {
    self.elements = elements
    super.init(type)
  }

  override func evaluate(_ frame: Frame) throws -> Datum { .array(try elements.map { try $0.evaluate(frame) }) }
  override var children: [BoundExpression] { elements }
}

/// A query inside an expression.
final class SubqueryExpression: BoundExpression {
  enum Kind {
    case scalar, exists, array
    case quantified(BoundExpression, ComparisonOperator, all: Bool)
  }

  let kind: Kind
  let plan: QueryPlan
  let number: Int

  init(_ kind: Kind, _ plan: QueryPlan, number: Int, _ type: SQLType) {
    self.kind = kind
    self.plan = plan
    self.number = number
    super.init(type)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    switch kind {
    case .exists: return .bool(try !rows(frame, limit: 1).isEmpty)
    case .array: return .array(try rows(frame, limit: nil).map { $0[0] })
    case .scalar:
      let found = try rows(frame, limit: 2)
      if found.count > 1 {
        throw Failure.make("21000", "more than one row returned by a subquery used as an expression")
      }
      return found.first?[0] ?? .null
    case .quantified(let left, let comparison, let all):
      let value = try left.evaluate(frame)
      if comparison == .equal, !all, !plan.isCorrelated { return try isMember(value, frame) }
      return QuantifiedExpression.compare(value, comparison, all: all, try rows(frame, limit: nil).map { $0[0] })
    }
  }

  private func rows(_ frame: Frame, limit: Int?) throws -> [[Datum]] {
    if plan.isCorrelated { return try plan.rows(frame.context, parent: frame, limit: limit) }
    if let known = frame.context.subqueryRows[number] { return known }
    let rows = try plan.rows(frame.context, parent: frame, limit: limit)
    frame.context.subqueryRows[number] = rows
    return rows
  }

  private func isMember(_ value: Datum, _ frame: Frame) throws -> Datum {
    let members: (set: Set<HashedDatum>, hasNull: Bool)
    if let known = frame.context.subquerySets[number] {
      members = known
    } else {
      var set: Set<HashedDatum> = []
      var hasNull = false
      for row in try rows(frame, limit: nil) {
        if row[0].isNull { hasNull = true } else { set.insert(HashedDatum(row[0])) }
      }
      members = (set, hasNull)
      frame.context.subquerySets[number] = members
    }
    if members.set.isEmpty, !members.hasNull { return .bool(false) }
    if value.isNull { return .null }
    if members.set.contains(HashedDatum(value)) { return .bool(true) }
    return members.hasNull ? .null : .bool(false)
  }

  override var children: [BoundExpression] {
    if case .quantified(let left, _, _) = kind { return [left] }
    return []
  }

  override func sources(depth: Int) -> UInt64 {
    super.sources(depth: depth) | plan.outerSources(depth: depth + 1)
  }
}
