import Seams

/// An aggregate function of a query.
final class AggregatePlan {
  enum Kind: String {
    case count, sum, min, max, avg
    case boolOr = "bool_or"
    case boolAnd = "bool_and"
    case arrayAgg = "array_agg"
    case stringAgg = "string_agg"
  }

  let kind: Kind
  let arguments: [BoundExpression]
  let isDistinct: Bool
  let orderBy: [(expression: BoundExpression, key: SortKey)]
  let filter: BoundExpression?
  let type: SQLType

  init(
    _ kind: Kind, _ arguments: [BoundExpression], isDistinct: Bool,
    orderBy: [(expression: BoundExpression, key: SortKey)], filter: BoundExpression?, type: SQLType
  ) {
    self.kind = kind
    self.arguments = arguments
    self.isDistinct = isDistinct
    self.orderBy = orderBy
    self.filter = filter
    self.type = type
  }
}

/// GROUP BY and aggregates.
final class GroupingPlan {
  let keys: [BoundExpression]
  var aggregates: [AggregatePlan] = []
  var having: BoundExpression?

  init(keys: [BoundExpression]) { self.keys = keys }

  /// Whether an aggregate shows the order in which the rows came.
  var isOrderSensitive: Bool { aggregates.contains { $0.kind == .arrayAgg || $0.kind == .stringAgg } }

  struct Group {
    var keys: [Datum]
    var values: [Datum]
  }

  /// Groups the rows that `input` delivers, in the order in which each group's first row came.
  func groups(_ frame: Frame, _ input: ((Frame) throws -> Void) throws -> Void) throws -> [Group] {
    var order: [(keys: [Datum], states: [AggregateState])] = []
    var places: [HashedRow: Int] = [:]
    if keys.isEmpty { order.append(([], aggregates.map { AggregateState($0) })) }
    try input { frame in
      let place: Int
      if keys.isEmpty {
        place = 0
      } else {
        let values = try keys.map { try $0.evaluate(frame) }
        let row = HashedRow(values: values)
        if let known = places[row] {
          place = known
        } else {
          place = order.count
          places[row] = place
          order.append((values, aggregates.map { AggregateState($0) }))
        }
      }
      for index in aggregates.indices { try order[place].states[index].add(frame) }
    }
    return try order.map { entry in
      var states = entry.states
      return Group(keys: entry.keys, values: try states.indices.map { try states[$0].finish() })
    }
  }
}

/// An aggregate over one group.
struct AggregateState {
  private let plan: AggregatePlan
  private var count: Int64 = 0
  private var value: Datum = .null
  private var seen: Set<HashedRow> = []
  private var items: [(values: [Datum], keys: [Datum])] = []

  init(_ plan: AggregatePlan) { self.plan = plan }

  mutating func add(_ frame: Frame) throws {
    if let filter = plan.filter, try !filter.test(frame) { return }
    guard let first = plan.arguments.first else {
      count += 1
      return
    }
    let input = try first.evaluate(frame)
    if input.isNull, plan.kind != .arrayAgg { return }
    if plan.isDistinct, !seen.insert(HashedRow(values: [input])).inserted { return }
    count += 1
    switch plan.kind {
    case .count: break
    case .min: if value.isNull || Datum.compare(input, value) < 0 { value = input }
    case .max: if value.isNull || Datum.compare(input, value) > 0 { value = input }
    case .boolOr: value = .bool(value.isTrue || input.isTrue)
    case .boolAnd: value = .bool((value.isNull || value.isTrue) && input.isTrue)
    case .sum, .avg: try accumulate(input)
    case .arrayAgg, .stringAgg:
      items.append(
        (try plan.arguments.map { try $0.evaluate(frame) }, try plan.orderBy.map { try $0.expression.evaluate(frame) }))
    }
  }

  private mutating func accumulate(_ input: Datum) throws {
    if value.isNull {
      // Sums of integers run in numeric, so that only the result can overflow.
      switch input {
      case .int(let number): value = .numeric(Numeric(number))
      default: value = input
      }
      return
    }
    switch (value, input) {
    case (.double(let sum), _): value = .double(sum + input.doubleValue)
    case (.interval(let sum), .interval(let other)): value = .interval(sum + other)
    default:
      guard let sum = Numeric.add(value.numericValue, input.numericValue) else {
        throw Failure.unsupported("numeric values of more than 38 digits")
      }
      value = .numeric(sum)
    }
  }

  mutating func finish() throws -> Datum {
    switch plan.kind {
    case .count: return .int(count)
    case .sum:
      guard plan.type.isInteger, case .numeric(let sum) = value else { return value }
      guard let exact = Int64(exactly: sum.unscaled) else { throw Failure.outOfRange(.int8) }
      return .int(exact)
    case .avg:
      switch value {
      case .null: return .null
      case .double(let sum): return .double(sum / Double(count))
      case .interval(let sum): return .interval(sum.multiplied(by: 1 / Double(count)))
      default:
        guard let mean = Numeric.divide(value.numericValue, Numeric(count)) else {
          throw Failure.unsupported("numeric values of more than 38 digits")
        }
        return .numeric(mean)
      }
    case .arrayAgg:
      sortItems()
      return items.isEmpty ? .null : .array(items.map { $0.values[0] })
    case .stringAgg:
      sortItems()
      guard !items.isEmpty else { return .null }
      var text = ""
      for (index, item) in items.enumerated() {
        if index > 0, !item.values[1].isNull { text += item.values[1].textValue }
        text += item.values[0].textValue
      }
      return .text(text)
    default: return value
    }
  }

  private mutating func sortItems() {
    guard !plan.orderBy.isEmpty else { return }
    let keys = plan.orderBy.map(\.key)
    items = stableSorted(items) { left, right in
      for (index, key) in keys.enumerated() {
        let order = key.compare(left.keys[index], right.keys[index])
        if order != 0 { return order < 0 }
      }
      return false
    }
  }
}

/// row_number(), rank() or an aggregate over a partition.
final class WindowPlan {
  enum Kind {
    case rowNumber, rank
    case aggregate(AggregatePlan)
  }

  let kind: Kind
  let partitionBy: [BoundExpression]
  let orderBy: [(expression: BoundExpression, key: SortKey)]

  init(_ kind: Kind, partitionBy: [BoundExpression], orderBy: [(expression: BoundExpression, key: SortKey)]) {
    self.kind = kind
    self.partitionBy = partitionBy
    self.orderBy = orderBy
  }

  func values(for rows: [JoinedRow], _ frame: Frame) throws -> [Datum] {
    var keyed: [(index: Int, partition: HashedRow, keys: [Datum])] = []
    for (index, row) in rows.enumerated() {
      frame.slots = row.slots
      let partition = HashedRow(values: try partitionBy.map { try $0.evaluate(frame) })
      keyed.append((index, partition, try orderBy.map { try $0.expression.evaluate(frame) }))
    }
    let keys = orderBy.map(\.key)
    func order(_ left: [Datum], _ right: [Datum]) -> Int {
      for (index, key) in keys.enumerated() {
        let order = key.compare(left[index], right[index])
        if order != 0 { return order }
      }
      return 0
    }
    let sorted = stableSorted(keyed) { order($0.keys, $1.keys) < 0 }
    var states: [HashedRow: (count: Int64, rank: Int64, last: [Datum], state: AggregateState?)] = [:]
    var result = [Datum](repeating: .null, count: rows.count)
    for item in sorted {
      var state = states[item.partition] ?? (0, 0, [], nil)
      state.count += 1
      if state.count == 1 || order(state.last, item.keys) != 0 { state.rank = state.count }
      state.last = item.keys
      switch kind {
      case .rowNumber: result[item.index] = .int(state.count)
      case .rank: result[item.index] = .int(state.rank)
      case .aggregate(let plan):
        var running = state.state ?? AggregateState(plan)
        frame.slots = rows[item.index].slots
        try running.add(frame)
        state.state = running
      }
      states[item.partition] = state
    }
    guard case .aggregate = kind else { return result }
    for item in sorted {
      guard var state = states[item.partition]?.state else { continue }
      result[item.index] = try state.finish()
    }
    return result
  }
}
