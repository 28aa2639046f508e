import Seams

/// A result's column.
struct PlanColumn {
  var name: String
  var type: SQLType
}

/// A query that can run: it reads with the statement's snapshot and never waits.
class QueryPlan {
  var columns: [PlanColumn]
  /// Whether it reads rows of a query around it.
  var isCorrelated = false
  /// What it reads from the queries around it: how many levels up, and which source.
  var outerReferences: [(level: Int, source: Int)] = []

  init(columns: [PlanColumn]) { self.columns = columns }

  func rows(_ context: ExecutionContext, parent: Frame?, limit: Int?) throws -> [[Datum]] {
    preconditionFailure("an abstract plan")
  }

  /// The sources that it reads of the query `depth` levels above it.
  func outerSources(depth: Int) -> UInt64 {
    outerReferences.reduce(0) { $0 | ($1.level == depth ? 1 << UInt64($1.source) : 0) }
  }

  /// Whether its rows come in an order that nothing fixed, because a table's rows do.
  var isUnordered: Bool { false }
}

/// The rows of a step of the same statement: a WITH query, or a subquery that locks or changes rows.
final class StepPlan: QueryPlan {
  let step: Int

  init(step: Int, columns: [PlanColumn]) {
    self.step = step
    super.init(columns: columns)
  }

  override func rows(_ context: ExecutionContext, parent: Frame?, limit: Int?) throws -> [[Datum]] {
    guard let rows = context.stepRows[step] else { preconditionFailure("a step was read before it ran") }
    return rows
  }
}

final class ValuesPlan: QueryPlan {
  var expressions: [[BoundExpression]]

  init(_ expressions: [[BoundExpression]], columns: [PlanColumn]) {
    self.expressions = expressions
    super.init(columns: columns)
  }

  override func rows(_ context: ExecutionContext, parent: Frame?, limit: Int?) throws -> [[Datum]] {
    let frame = Frame(sources: 0, parent: parent, context: context)
    return try expressions.map { row in try row.map { try $0.evaluate(frame) } }
  }
}

/// UNION and UNION ALL, and the ORDER BY and LIMIT around them or around VALUES.
final class CombinedPlan: QueryPlan {
  let inputs: [QueryPlan]
  let removesDuplicates: Bool
  var orderBy: [(column: Int, key: SortKey)] = []
  var limit: BoundExpression?
  var offset: BoundExpression?

  init(_ inputs: [QueryPlan], removesDuplicates: Bool, columns: [PlanColumn]) {
    self.inputs = inputs
    self.removesDuplicates = removesDuplicates
    super.init(columns: columns)
  }

  override func rows(_ context: ExecutionContext, parent: Frame?, limit most: Int?) throws -> [[Datum]] {
    var rows: [[Datum]] = []
    for input in inputs { rows += try input.rows(context, parent: parent, limit: nil) }
    if removesDuplicates {
      var seen: Set<HashedRow> = []
      rows = rows.filter { seen.insert(HashedRow(values: $0)).inserted }
    }
    if !orderBy.isEmpty {
      let keys = orderBy
      rows = stableSorted(rows) { left, right in
        for (column, key) in keys {
          let order = key.compare(left[column], right[column])
          if order != 0 { return order < 0 }
        }
        return false
      }
    }
    let bounds = try LimitBounds(limit, offset, Frame(sources: 0, parent: parent, context: context))
    return bounds.apply(to: rows)
  }
}

/// Direction and place of NULLs of one ORDER BY key.
struct SortKey {
  var descending: Bool
  var nullsFirst: Bool

  func compare(_ left: Datum, _ right: Datum) -> Int {
    if left.isNull || right.isNull {
      if left.isNull && right.isNull { return 0 }
      return left.isNull == nullsFirst ? -1 : 1
    }
    let order = Datum.compare(left, right)
    return descending ? -order : order
  }
}

/// Sorts by merging, so that rows with equal keys keep their order on every platform.
func stableSorted<Element>(_ items: [Element], _ precedes: (Element, Element) throws -> Bool) rethrows -> [Element] {
  guard items.count > 1 else { return items }
  var source = items
  var target = items
  var width = 1
  while width < source.count {
    var start = 0
    while start < source.count {
      let middle = min(start + width, source.count)
      let end = min(start + 2 * width, source.count)
      var (left, right, out) = (start, middle, start)
      while left < middle || right < end {
        let takeRight = try left == middle || (right < end && precedes(source[right], source[left]))
        target[out] = takeRight ? source[right] : source[left]
        if takeRight { right += 1 } else { left += 1 }
        out += 1
      }
      start = end
    }
    swap(&source, &target)
    width *= 2
  }
  return source
}

/// LIMIT and OFFSET of one execution.
struct LimitBounds {
  let offset: Int
  let limit: Int?

  init(_ limit: BoundExpression?, _ offset: BoundExpression?, _ frame: Frame) throws {
    self.offset = try LimitBounds.number(offset, frame, "OFFSET", "2201X") ?? 0
    self.limit = try LimitBounds.number(limit, frame, "LIMIT", "2201W")
  }

  private static func number(_ expression: BoundExpression?, _ frame: Frame, _ name: String, _ state: SQLState) throws
    -> Int?
  {
    guard let expression, case .int(let value) = try expression.evaluate(frame) else { return nil }
    if value < 0 { throw Failure.make(state, "\(name) must not be negative") }
    return Int(value)
  }

  /// How many rows are wanted before OFFSET is taken off.
  var needed: Int? { limit.map { $0 &+ offset < 0 ? Int.max : $0 + offset } }

  func apply<Row>(to rows: [Row]) -> [Row] {
    if offset == 0, limit == nil { return rows }
    let rest = rows.dropFirst(offset)
    return Array(limit.map { rest.prefix($0) } ?? rest)
  }
}
