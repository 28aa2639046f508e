import Seams

/// How the rows of one source are found.
enum AccessPath {
  case sequential
  /// Entries of an index: equal leading columns, then one column equal to any element of an array, or within bounds.
  case index(IndexAccess)

  /// Visits the rows of `source` until `body` returns `false`; returns whether it went through.
  func forEach(_ source: PlanSource, _ frame: Frame, _ body: (Slot) throws -> Bool) throws -> Bool {
    switch source.kind {
    case .given: return try body(frame.slots[0])
    case .plan(let plan):
      let parent = plan.isCorrelated ? frame.parent : nil
      for values in try plan.rows(frame.context, parent: parent, limit: nil) {
        guard try body(Slot(values: values, row: nil, version: nil)) else { return false }
      }
      return true
    case .function(let function, let ordinality):
      for values in try function.rows(frame, ordinality: ordinality) {
        guard try body(Slot(values: values, row: nil, version: nil)) else { return false }
      }
      return true
    case .table(let table):
      let snapshot = frame.context.activeSnapshot
      guard case .index(let access) = self else {
        for row in table.heap {
          guard let row, let version = snapshot.version(of: row) else { continue }
          guard try body(Slot(values: version.values, row: row, version: version)) else { return false }
        }
        return true
      }
      return try access.forEach(frame, snapshot, body)
    }
  }
}

final class IndexAccess {
  let index: Index
  /// Values of the leading columns.
  let equal: [BoundExpression]
  /// The column after them is equal to one of these.
  let anyOf: BoundExpression?
  let lower: (BoundExpression, inclusive: Bool)?
  let upper: (BoundExpression, inclusive: Bool)?
  let backwards: Bool

  init(
    index: Index, equal: [BoundExpression], anyOf: BoundExpression? = nil,
    lower: (BoundExpression, inclusive: Bool)? = nil, upper: (BoundExpression, inclusive: Bool)? = nil,
    backwards: Bool = false
  ) {
    self.index = index
    self.equal = equal
    self.anyOf = anyOf
    self.lower = lower
    self.upper = upper
    self.backwards = backwards
  }

  func forEach(_ frame: Frame, _ snapshot: Snapshot, _ body: (Slot) throws -> Bool) throws -> Bool {
    var prefix: [Datum] = []
    prefix.reserveCapacity(equal.count)
    for expression in equal {
      let value = try expression.evaluate(frame)
      if value.isNull { return true }
      prefix.append(value)
    }
    guard let anyOf else { return try scan(prefix, frame, snapshot, body) }
    guard case .array(let values) = try anyOf.evaluate(frame) else { return true }
    var seen: Set<HashedDatum> = []
    for value in values where !value.isNull && (values.count == 1 || seen.insert(HashedDatum(value)).inserted) {
      guard try scan(prefix + [value], frame, snapshot, body) else { return false }
    }
    return true
  }

  private func scan(_ prefix: [Datum], _ frame: Frame, _ snapshot: Snapshot, _ body: (Slot) throws -> Bool) throws
    -> Bool
  {
    var goesOn = true
    let visit: (SortedIndex.Entry) throws -> Bool = { [index] entry in
      guard let version = snapshot.version(of: entry.row) else { return true }
      // An entry may be of another version than the visible one.
      for (place, column) in index.columns.enumerated()
      where !Datum.identical(entry.key(place), version.values[column]) { return true }
      if index.condition != nil, try !index.holds(version.values) { return true }
      goesOn = try body(Slot(values: version.values, row: entry.row, version: version))
      return goesOn
    }
    if lower == nil, upper == nil, !backwards {
      try index.entries.forEach(prefix: prefix, visit)
      return goesOn
    }
    var low: (Datum, inclusive: Bool)?
    var high: (Datum, inclusive: Bool)?
    if let lower {
      let value = try lower.0.evaluate(frame)
      if value.isNull { return true }
      low = (value, lower.inclusive)
    }
    if let upper {
      let value = try upper.0.evaluate(frame)
      if value.isNull { return true }
      high = (value, upper.inclusive)
    }
    let descends = prefix.count < index.columns.count && index.entries.descending[prefix.count]
    try index.entries.forEach(
      prefix: prefix, from: descends ? high : low, to: descends ? low : high, backwards: backwards, visit)
    return goesOn
  }
}

/// A function in FROM.
final class TableFunction {
  enum Kind {
    /// Arrays side by side, the shorter ones filled up with NULLs.
    case unnest([BoundExpression])
    case series([BoundExpression])
    /// A function of one value, as one row.
    case scalar(BoundExpression)
  }

  let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  func rows(_ frame: Frame, ordinality: Bool) throws -> [[Datum]] {
    var rows: [[Datum]]
    switch kind {
    case .unnest(let arguments):
      let arrays = try arguments.map { argument -> [Datum] in
        let value = try argument.evaluate(frame)
        return value.isNull ? [] : value.arrayValue
      }
      let count = arrays.map(\.count).max() ?? 0
      rows = (0..<count).map { place in arrays.map { place < $0.count ? $0[place] : .null } }
    case .series(let arguments):
      let values = try arguments.map { try $0.evaluate(frame) }
      guard !values.contains(where: \.isNull) else { return [] }
      let step = values.count > 2 ? values[2].intValue : 1
      if step == 0 { throw Failure.make("22023", "step size cannot equal zero") }
      rows = stride(from: values[0].intValue, through: values[1].intValue, by: Int(step)).map { [.int($0)] }
    case .scalar(let expression): rows = [[try expression.evaluate(frame)]]
    }
    if ordinality { for index in rows.indices { rows[index].append(.int(Int64(index + 1))) } }
    return rows
  }
}
