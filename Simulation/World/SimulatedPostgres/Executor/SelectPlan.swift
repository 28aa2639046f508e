import Seams

/// One item of FROM.
struct PlanSource {
  enum Kind {
    case table(Table)
    case plan(QueryPlan)
    /// Functions in FROM side by side, with an ordinality column behind them.
    case function(TableFunction, ordinality: Bool)
    /// A row that the executor puts in place (INSERT's source row, ON CONFLICT's `excluded`).
    case given
  }

  let kind: Kind
  let width: Int
}

/// How one source is read once the sources before it are in place.
final class JoinStep {
  let source: Int
  let access: AccessPath
  /// Conditions that the joined row must meet; for a LEFT JOIN those of its ON.
  let conditions: [BoundExpression]
  let isLeft: Bool
  /// Conditions of WHERE that need this source but are not part of a LEFT JOIN's ON.
  let filters: [BoundExpression]

  init(
    source: Int, access: AccessPath, conditions: [BoundExpression], isLeft: Bool, filters: [BoundExpression]
  ) {
    self.source = source
    self.access = access
    self.conditions = conditions
    self.isLeft = isLeft
    self.filters = filters
  }
}

/// A joined row that is kept: one slot for each source, and the values it sorts by.
struct JoinedRow {
  var slots: ContiguousArray<Slot>
  var sortValues: [Datum] = []
}

struct RowLocking {
  let source: Int
  let strength: RowLockStrength
  let policy: LockWaitPolicy
}

/// SELECT: joined sources, conditions, grouping, windows, select list, order and limit.
final class SelectPlan: QueryPlan {
  var sources: [PlanSource] = []
  var constantFilters: [BoundExpression] = []
  var steps: [JoinStep] = []
  /// All inner conditions, for the re-check of a row that another transaction changed.
  var recheck: [BoundExpression] = []
  var grouping: GroupingPlan?
  var windows: [WindowPlan] = []
  var targets: [BoundExpression] = []
  var isDistinct = false
  var distinctOn: Int = 0
  var orderBy: [(expression: BoundExpression, key: SortKey)] = []
  /// Whether the access path delivers the rows in ORDER BY's order.
  var isOrderedByAccess = false
  var limit: BoundExpression?
  var offset: BoundExpression?
  var locking: [RowLocking] = []
  var blockingCalls: [BlockingCall] = []

  var mustRunAsStep: Bool { !locking.isEmpty || !blockingCalls.isEmpty }

  override var isUnordered: Bool {
    orderBy.isEmpty
      && sources.contains {
        switch $0.kind {
        case .table: true
        case .plan(let plan): plan is StepPlan || plan.isUnordered
        default: false
        }
      }
  }

  /// Whether the rows must be shuffled: their order is nobody's promise.
  private func shuffles(_ context: ExecutionContext) -> Bool {
    guard let session = context.session, session.database.options.rowOrder == .seeded else { return false }
    return sources.contains {
      switch $0.kind {
      case .table: true
      case .plan(let plan): plan is StepPlan || plan.isUnordered
      default: false
      }
    }
  }

  override func rows(_ context: ExecutionContext, parent: Frame?, limit most: Int?) throws -> [[Datum]] {
    let frame = Frame(sources: sources.count, parent: parent, context: context)
    let bounds = try LimitBounds(limit, offset, frame)
    for filter in constantFilters where try !filter.test(frame) {
      if grouping == nil { return [] }
      return try groupedRows(frame, bounds, empty: true)
    }
    if grouping != nil { return try groupedRows(frame, bounds, empty: false) }
    if !windows.isEmpty { return try windowedRows(frame, bounds) }
    let inOrder = orderBy.isEmpty || isOrderedByAccess
    let shuffled = !isOrderedByAccess && shuffles(context)
    var stop = Int.max
    if inOrder, !shuffled, !isDistinct { stop = bounds.needed ?? Int.max }
    // A caller that asks only whether there are rows takes any.
    if let most, bounds.limit == nil, bounds.offset == 0, !isDistinct { stop = min(stop, most) }
    var output: [OutputRow] = []
    if stop == 0 { return [] }
    _ = try enumerate(frame) { frame in
      output.append(try project(frame, withKeys: !inOrder))
      return output.count < stop
    }
    return try finish(&output, bounds, context, shuffled: shuffled && output.count > 1, sorted: inOrder)
  }

  struct OutputRow {
    var values: [Datum]
    var sortValues: [Datum]
  }

  func project(_ frame: Frame, withKeys: Bool) throws -> OutputRow {
    var values: [Datum] = []
    values.reserveCapacity(targets.count)
    for target in targets { values.append(try target.evaluate(frame)) }
    return OutputRow(values: values, sortValues: withKeys ? try orderBy.map { try $0.expression.evaluate(frame) } : [])
  }

  private func finish(
    _ output: inout [OutputRow], _ bounds: LimitBounds, _ context: ExecutionContext, shuffled: Bool, sorted: Bool
  ) throws -> [[Datum]] {
    if shuffled { context.activeSession.database.shuffle(&output) }
    if !sorted { output = stableSorted(output) { precedes($0.sortValues, $1.sortValues) } }
    var rows = output.map(\.values)
    if isDistinct {
      var seen: Set<HashedRow> = []
      rows = rows.filter { row in
        seen.insert(HashedRow(values: distinctOn > 0 ? Array(row.suffix(distinctOn)) : row)).inserted
      }
      if distinctOn > 0 { rows = rows.map { Array($0.dropLast(distinctOn)) } }
    }
    return bounds.apply(to: rows)
  }

  func precedes(_ left: [Datum], _ right: [Datum]) -> Bool {
    for index in orderBy.indices {
      let order = orderBy[index].key.compare(left[index], right[index])
      if order != 0 { return order < 0 }
    }
    return false
  }

  private func groupedRows(_ frame: Frame, _ bounds: LimitBounds, empty: Bool) throws -> [[Datum]] {
    guard let grouping else { preconditionFailure("grouping without a plan") }
    let groups = try grouping.groups(frame) { body in
      if empty { return }
      if grouping.isOrderSensitive, shuffles(frame.context) {
        var joined = try collect(frame)
        frame.context.activeSession.database.shuffle(&joined)
        for item in joined {
          frame.slots = item.slots
          try body(frame)
        }
      } else {
        _ = try enumerate(frame) { frame in
          try body(frame)
          return true
        }
      }
    }
    var output: [OutputRow] = []
    for group in groups {
      frame.groupKeys = group.keys
      frame.aggregates = group.values
      if let having = grouping.having, try !having.test(frame) { continue }
      output.append(try project(frame, withKeys: !orderBy.isEmpty))
    }
    let shuffled = output.count > 1 && shuffles(frame.context)
    return try finish(&output, bounds, frame.context, shuffled: shuffled, sorted: orderBy.isEmpty)
  }

  private func windowedRows(_ frame: Frame, _ bounds: LimitBounds) throws -> [[Datum]] {
    var joined = try collect(frame)
    if joined.count > 1, shuffles(frame.context) { frame.context.activeSession.database.shuffle(&joined) }
    var numbers = Array(repeating: [Datum](repeating: .null, count: windows.count), count: joined.count)
    for (index, window) in windows.enumerated() {
      let values = try window.values(for: joined, frame)
      for row in joined.indices { numbers[row][index] = values[row] }
    }
    var output: [OutputRow] = []
    for (row, item) in joined.enumerated() {
      frame.slots = item.slots
      frame.windows = numbers[row]
      output.append(try project(frame, withKeys: !orderBy.isEmpty))
    }
    return try finish(&output, bounds, frame.context, shuffled: false, sorted: orderBy.isEmpty)
  }

  /// All joined rows with their sort values, unordered.
  func collect(_ frame: Frame) throws -> [JoinedRow] {
    var joined: [JoinedRow] = []
    for filter in constantFilters where try !filter.test(frame) { return [] }
    _ = try enumerate(frame) { frame in
      joined.append(JoinedRow(slots: frame.slots))
      return true
    }
    return joined
  }

  /// The joined rows in the order in which they are to be locked.
  func orderedForLocking(_ frame: Frame) throws -> [JoinedRow] {
    var joined = try collect(frame)
    if joined.count > 1, !isOrderedByAccess, shuffles(frame.context) {
      frame.context.activeSession.database.shuffle(&joined)
    }
    if !orderBy.isEmpty, !isOrderedByAccess {
      for index in joined.indices {
        frame.slots = joined[index].slots
        joined[index].sortValues = try orderBy.map { try $0.expression.evaluate(frame) }
      }
      joined = stableSorted(joined) { precedes($0.sortValues, $1.sortValues) }
    }
    return joined
  }

  /// Runs through the joined rows: `body` sees each in the frame and says whether to go on.
  func enumerate(_ frame: Frame, _ body: (Frame) throws -> Bool) throws -> Bool {
    try enumerate(frame, step: 0, body)
  }

  private func enumerate(_ frame: Frame, step number: Int, _ body: (Frame) throws -> Bool) throws -> Bool {
    guard number < steps.count else { return try body(frame) }
    let step = steps[number]
    let isLast = number + 1 == steps.count
    var matched = false
    let goesOn = try step.access.forEach(sources[step.source], frame) { slot in
      frame.slots[step.source] = slot
      for condition in step.conditions where try !condition.test(frame) { return true }
      matched = true
      for filter in step.filters where try !filter.test(frame) { return true }
      return isLast ? try body(frame) : try enumerate(frame, step: number + 1, body)
    }
    guard goesOn, step.isLeft, !matched else { return goesOn }
    frame.slots[step.source] = Slot(
      values: Array(repeating: .null, count: sources[step.source].width), row: nil, version: nil)
    for filter in step.filters where try !filter.test(frame) { return true }
    return try enumerate(frame, step: number + 1, body)
  }

  /// Whether a joined row with a newer version in place still belongs to the result (PostgreSQL's EvalPlanQual).
  func stillQualifies(_ frame: Frame) throws -> Bool {
    for condition in recheck where try !condition.test(frame) { return false }
    return true
  }
}
