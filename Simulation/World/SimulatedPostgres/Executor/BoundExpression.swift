import Seams

/// An expression with its names and types resolved: a tree of nodes that compute.
class BoundExpression {
  var type: SQLType
  let position: Int?

  init(_ type: SQLType, at position: Int? = nil) {
    self.type = type
    self.position = position
  }

  func evaluate(_ frame: Frame) throws -> Datum { preconditionFailure("an abstract expression") }

  /// Whether the value is true, neither false nor NULL.
  func test(_ frame: Frame) throws -> Bool { try evaluate(frame).isTrue }

  /// The nodes below this one.
  var children: [BoundExpression] { [] }

  /// A text that is equal for equal conditions; `nil` where the node does not compare.
  var signature: String? { nil }

  /// Which sources of its own query the expression reads, as bits; queries below count what they read from outside.
  func sources(depth: Int = 0) -> UInt64 { children.reduce(0) { $0 | $1.sources(depth: depth) } }

  var isConstant: Bool { self is ConstantExpression }
}

final class ConstantExpression: BoundExpression {
  let value: Datum

  init(_ value: Datum, _ type: SQLType, at position: Int? = nil) {
    self.value = value
    super.init(type, at: position)
  }

  override func evaluate(_ frame: Frame) throws -> Datum { value }
  override var signature: String? { value.isNull ? "NULL" : "'\(value.outputText)'" }
}

final class ParameterExpression: BoundExpression {
  let index: Int

  init(_ index: Int, _ type: SQLType, at position: Int?) {
    self.index = index
    super.init(type, at: position)
  }

  override func evaluate(_ frame: Frame) throws -> Datum { frame.context.parameters[index] }
}

final class ColumnExpression: BoundExpression {
  let level: Int
  let source: Int
  let column: Int

  init(level: Int, source: Int, column: Int, _ type: SQLType, at position: Int?) {
    self.level = level
    self.source = source
    self.column = column
    super.init(type, at: position)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    if level == 0 { return frame.slots[source].values[column] }
    var outer = frame
    for _ in 0..<level {
      guard let parent = outer.parent else { preconditionFailure("a reference to a query that is not running") }
      outer = parent
    }
    return outer.slots[source].values[column]
  }

  override func sources(depth: Int) -> UInt64 { level == depth ? 1 << UInt64(source) : 0 }
  override var signature: String? { level == 0 ? "c\(source).\(column)" : nil }
}

/// A value that the query computed beside the rows: a group's key, an aggregate, a window function, a blocking call.
final class ComputedExpression: BoundExpression {
  enum Place {
    case groupKey, aggregate, window, blocking
  }

  let place: Place
  let index: Int

  init(_ place: Place, _ index: Int, _ type: SQLType, at position: Int? = nil) {
    self.place = place
    self.index = index
    super.init(type, at: position)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    switch place {
    case .groupKey: return frame.groupKeys[index]
    case .aggregate: return frame.aggregates[index]
    case .window: return frame.windows[index]
    case .blocking:
      guard index < frame.blockingResults.count else {
        throw Failure.unsupported("a function that waits, anywhere but in the select list of a plain SELECT")
      }
      return frame.blockingResults[index]
    }
  }
}

enum ComparisonOperator: String {
  case equal = "="
  case notEqual = "<>"
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="

  @inline(__always)
  func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }

  /// The operator with its sides exchanged.
  var flipped: ComparisonOperator {
    switch self {
    case .equal, .notEqual: self
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }
}

final class ComparisonExpression: BoundExpression {
  let comparison: ComparisonOperator
  let left: BoundExpression
  let right: BoundExpression

  init(_ comparison: ComparisonOperator, _ left: BoundExpression, _ right: BoundExpression) {
    self.comparison = comparison
    self.left = left
    self.right = right
    super.init(.bool)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    let (a, b) = (try left.evaluate(frame), try right.evaluate(frame))
    if a.isNull || b.isNull { return .null }
    return .bool(comparison == .equal ? Datum.equal(a, b) : comparison.holds(Datum.compare(a, b)))
  }

  override func test(_ frame: Frame) throws -> Bool {
    let (a, b) = (try left.evaluate(frame), try right.evaluate(frame))
    if a.isNull || b.isNull { return false }
    return comparison == .equal ? Datum.equal(a, b) : comparison.holds(Datum.compare(a, b))
  }

  override var children: [BoundExpression] { [left, right] }
  override var signature: String? {
    guard let a = left.signature, let b = right.signature else { return nil }
    return "(\(a)\(comparison.rawValue)\(b))"
  }
}

final class LogicalExpression: BoundExpression {
  let isAnd: Bool
  let left: BoundExpression
  let right: BoundExpression

  init(isAnd: Bool, _ left: BoundExpression, _ right: BoundExpression) {
    self.isAnd = isAnd
    self.left = left
    self.right = right
    super.init(.bool)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    let a = try left.evaluate(frame)
    if case .bool(let value) = a, value != isAnd { return a }
    let b = try right.evaluate(frame)
    if case .bool(let value) = b, value != isAnd { return b }
    return a.isNull || b.isNull ? .null : .bool(isAnd)
  }

  override func test(_ frame: Frame) throws -> Bool {
    isAnd
      ? try left.test(frame) && right.test(frame)
      : try left.test(frame) || right.test(frame)
  }

  override var children: [BoundExpression] { [left, right] }
  override var signature: String? {
    guard let a = left.signature, let b = right.signature else { return nil }
    return "(\(a) \(isAnd ? "and" : "or") \(b))"
  }
}

final class NotExpression: BoundExpression {
  let operand: BoundExpression

  init(_ operand: BoundExpression) {
    self.operand = operand
    super.init(.bool)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    guard case .bool(let value) = try operand.evaluate(frame) else { return .null }
    return .bool(!value)
  }

  override var children: [BoundExpression] { [operand] }
  override var signature: String? { operand.signature.map { "not \($0)" } }
}

/// IS [NOT] NULL, TRUE, FALSE, UNKNOWN.
final class TestExpression: BoundExpression {
  enum Test {
    case null
    case boolean(Bool)
  }

  let operand: BoundExpression
  let expected: Test
  let negated: Bool

  init(_ operand: BoundExpression, _ expected: Test, negated: Bool) {
    self.operand = operand
    self.expected = expected
    self.negated = negated
    super.init(.bool)
  }

  override func evaluate(_ frame: Frame) throws -> Datum { .bool(try test(frame)) }

  override func test(_ frame: Frame) throws -> Bool {
    let value = try operand.evaluate(frame)
    switch expected {
    case .null: return value.isNull != negated
    case .boolean(let wanted):
      if case .bool(let found) = value { return (found == wanted) != negated }
      return negated
    }
  }

  override var children: [BoundExpression] { [operand] }
  override var signature: String? { operand.signature.map { "\($0) is \(negated ? "not " : "")\(expected)" } }
}

final class DistinctExpression: BoundExpression {
  let left: BoundExpression
  let right: BoundExpression
  let negated: Bool

  init(_ left: BoundExpression, _ right: BoundExpression, negated: Bool) {
    self.left = left
    self.right = right
    self.negated = negated
    super.init(.bool)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    .bool(Datum.identical(try left.evaluate(frame), try right.evaluate(frame)) == negated)
  }

  override var children: [BoundExpression] { [left, right] }
}

/// A function that is strict or takes its NULLs itself; the arguments are computed first.
final class FunctionExpression: BoundExpression {
  typealias Body = ([Datum], ExecutionContext) throws -> Datum
  let name: String
  let arguments: [BoundExpression]
  let isStrict: Bool
  let body: Body

  init(
    _ name: String, _ arguments: [BoundExpression], _ type: SQLType, strict: Bool = true, at position: Int? = nil,
    _ body: @escaping Body
  ) {
    self.name = name
    self.arguments = arguments
    isStrict = strict
    self.body = body
    super.init(type, at: position)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    var values: [Datum] = []
    values.reserveCapacity(arguments.count)
    for argument in arguments {
      let value = try argument.evaluate(frame)
      if isStrict, value.isNull { return .null }
      values.append(value)
    }
    return try body(values, frame.context)
  }

  override var children: [BoundExpression] { arguments }
  override var signature: String? {
    let parts = arguments.map(\.signature)
    guard !parts.contains(where: { $0 == nil }) else { return nil }
    return "\(name)(\(parts.compactMap { $0 }.joined(separator: ",")))"
  }
}

final class UnaryExpression: BoundExpression {
  let operand: BoundExpression
  let name: String
  let body: (Datum) throws -> Datum

  init(_ name: String, _ operand: BoundExpression, _ type: SQLType, _ body: @escaping (Datum) throws -> Datum) {
    self.operand = operand
    self.name = name
    self.body = body
    super.init(type, at: operand.position)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    let value = try operand.evaluate(frame)
    return value.isNull ? .null : try body(value)
  }

  override var children: [BoundExpression] { [operand] }
  override var signature: String? { operand.signature.map { "\(name)(\($0))" } }
}

final class BinaryExpression: BoundExpression {
  let left: BoundExpression
  let right: BoundExpression
  let name: String
  let body: (Datum, Datum) throws -> Datum

  init(
    _ name: String, _ left: BoundExpression, _ right: BoundExpression, _ type: SQLType,
    _ body: @escaping (Datum, Datum) throws -> Datum
  ) {
    self.left = left
    self.right = right
    self.name = name
    self.body = body
    super.init(type)
  }

  override func evaluate(_ frame: Frame) throws -> Datum {
    let a = try left.evaluate(frame)
    if a.isNull { return .null }
    let b = try right.evaluate(frame)
    return b.isNull ? .null : try body(a, b)
  }

  override var children: [BoundExpression] { [left, right] }
  override var signature: String? {
    guard let a = left.signature, let b = right.signature else { return nil }
    return "(\(a)\(name)\(b))"
  }
}
