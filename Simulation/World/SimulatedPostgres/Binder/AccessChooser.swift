/// Chooses how a table's rows are found: by the index that fixes most, or by reading all.
struct AccessChooser {
  struct Candidate {
    var path: AccessPath
    /// The lower, the fewer rows are to be expected.
    var rank: Int
    var providesOrder: Bool
  }

  let table: Table
  let source: Int
  /// Sources whose rows are in place when this one is read.
  let placed: UInt64
  let conditions: [BoundExpression]

  private struct Usable {
    var equal: BoundExpression?
    var anyOf: BoundExpression?
    var lower: (BoundExpression, inclusive: Bool)?
    var upper: (BoundExpression, inclusive: Bool)?
  }

  func best(order: [(expression: BoundExpression, key: SortKey)], hasLimit: Bool) -> Candidate {
    var best = Candidate(path: .sequential, rank: 100, providesOrder: false)
    var columns: [Int: Usable] = [:]
    for condition in conditions { note(condition, &columns) }
    for index in table.indexes {
      if let condition = index.condition {
        // A partial index serves only a query whose conditions imply its own.
        guard isImplied(condition, columns) else { continue }
      }
      let candidate = candidate(index, columns, order, hasLimit)
      if let candidate, candidate.rank < best.rank || (candidate.rank == best.rank && candidate.providesOrder) {
        best = candidate
      }
    }
    return best
  }

  /// Whether what the query asks for implies a partial index's condition, which speaks of source 0.
  private func isImplied(_ wanted: BoundExpression, _ columns: [Int: Usable]) -> Bool {
    if let both = wanted as? LogicalExpression, both.isAnd {
      return isImplied(both.left, columns) && isImplied(both.right, columns)
    }
    // A comparison is not true of NULL.
    if let test = wanted as? TestExpression, case .null = test.expected, test.negated,
      let column = test.operand as? ColumnExpression,
      columns[column.column] != nil
    {
      return true
    }
    guard let signature = wanted.signature?.replacing("c0.", with: "c\(source).") else { return false }
    return conditions.contains { $0.signature == signature }
  }

  private func note(_ condition: BoundExpression, _ columns: inout [Int: Usable]) {
    if let comparison = condition as? ComparisonExpression {
      note(comparison.left, comparison.comparison, comparison.right, &columns)
      note(comparison.right, comparison.comparison.flipped, comparison.left, &columns)
    } else if let quantified = condition as? QuantifiedExpression, quantified.comparison == .equal, !quantified.all,
      let column = own(quantified.left), isAvailable(quantified.array)
    {
      columns[column, default: Usable()].anyOf = quantified.array
    } else if let query = condition as? SubqueryExpression, case .quantified(let left, .equal, all: false) = query.kind,
      !query.plan.isCorrelated, let column = own(left)
    {
      // IN (query): the query's rows are the keys to look up.
      columns[column, default: Usable()].anyOf = SubqueryExpression(
        .array, query.plan, number: query.number, left.type.array)
    }
  }

  private func note(
    _ left: BoundExpression, _ comparison: ComparisonOperator, _ right: BoundExpression,
    _ columns: inout [Int: Usable]
  ) {
    guard let column = own(left), isAvailable(right) else { return }
    switch comparison {
    case .equal: columns[column, default: Usable()].equal = right
    case .less: columns[column, default: Usable()].upper = (right, false)
    case .lessOrEqual: columns[column, default: Usable()].upper = (right, true)
    case .greater: columns[column, default: Usable()].lower = (right, false)
    case .greaterOrEqual: columns[column, default: Usable()].lower = (right, true)
    case .notEqual: break
    }
  }

  private func own(_ expression: BoundExpression) -> Int? {
    guard let column = expression as? ColumnExpression, column.level == 0, column.source == source else { return nil }
    return column.column
  }

  private func isAvailable(_ expression: BoundExpression) -> Bool { expression.sources() & ~placed == 0 }

  private func candidate(
    _ index: Index, _ columns: [Int: Usable], _ order: [(expression: BoundExpression, key: SortKey)], _ hasLimit: Bool
  ) -> Candidate? {
    var equal: [BoundExpression] = []
    while equal.count < index.columns.count, let value = columns[index.columns[equal.count]]?.equal {
      equal.append(value)
    }
    let isFull = equal.count == index.columns.count
    let next = isFull ? nil : columns[index.columns[equal.count]]
    let backwards = direction(index, after: equal.count, order)
    if isFull, index.isUnique {
      return Candidate(path: .index(IndexAccess(index: index, equal: equal)), rank: 0, providesOrder: !order.isEmpty)
    }
    if let anyOf = next?.anyOf {
      let isUnique = index.isUnique && equal.count + 1 == index.columns.count
      return Candidate(
        path: .index(IndexAccess(index: index, equal: equal, anyOf: anyOf)), rank: isUnique ? 1 : 2,
        providesOrder: false)
    }
    let isBounded = next?.lower != nil || next?.upper != nil
    let isPartial = index.condition != nil
    guard !equal.isEmpty || isBounded || isPartial || (backwards != nil && hasLimit) else { return nil }
    let access = IndexAccess(
      index: index, equal: equal, lower: next?.lower, upper: next?.upper, backwards: backwards ?? false)
    let rank: Int
    if !equal.isEmpty {
      rank = 20 - 2 * equal.count - (isBounded ? 1 : 0)
    } else {
      rank = isBounded ? 40 : isPartial ? 50 : 60
    }
    return Candidate(path: .index(access), rank: rank, providesOrder: backwards != nil)
  }

  /// Whether the index, after its fixed columns, delivers ORDER BY's order, and which way: `nil` when it does not.
  private func direction(_ index: Index, after fixed: Int, _ order: [(expression: BoundExpression, key: SortKey)])
    -> Bool?
  {
    guard !order.isEmpty, fixed + order.count <= index.columns.count else { return nil }
    var backwards: Bool?
    for (place, item) in order.enumerated() {
      guard own(item.expression) == index.columns[fixed + place], item.key.nullsFirst == item.key.descending else {
        return nil
      }
      let reversed = item.key.descending != index.entries.descending[fixed + place]
      if let known = backwards, known != reversed { return nil }
      backwards = reversed
    }
    return backwards
  }
}
