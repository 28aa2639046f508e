import Seams

/// A row of one source of a query: its values and, for a table, where they come from.
struct Slot {
  var values: [Datum]
  var row: HeapRow?
  var version: RowVersion?

  static var empty: Slot { Slot(values: [], row: nil, version: nil) }
}

/// What one execution of a statement shares: its parameters, its snapshot and what its earlier steps produced.
final class ExecutionContext {
  let session: Session?
  let parameters: [Datum]
  @exclusivity(unchecked) var snapshot: Snapshot?
  @exclusivity(unchecked) var stepRows: [[[Datum]]?]
  /// Results of subqueries that depend on nothing outside themselves.
  @exclusivity(unchecked) var subqueryRows: [Int: [[Datum]]] = [:]
  @exclusivity(unchecked) var subquerySets: [Int: (set: Set<HashedDatum>, hasNull: Bool)] = [:]
  /// Foreign keys to check when the statement ends.
  @exclusivity(unchecked) var checks: [ForeignKeyCheck] = []

  init(session: Session?, parameters: [Datum], stepCount: Int = 0) {
    self.session = session
    self.parameters = parameters
    stepRows = stepCount == 0 ? [] : Array(repeating: nil, count: stepCount)
  }

  var activeSession: Session {
    guard let session else { preconditionFailure("an expression of a constraint asked for its session") }
    return session
  }

  var activeSnapshot: Snapshot {
    guard let snapshot else { preconditionFailure("a query ran without a snapshot") }
    return snapshot
  }
}

/// The rows that expressions see while a query runs, one for each of its sources.
final class Frame {
  @exclusivity(unchecked) var slots: ContiguousArray<Slot>
  let parent: Frame?
  let context: ExecutionContext
  @exclusivity(unchecked) var groupKeys: [Datum] = []
  @exclusivity(unchecked) var aggregates: [Datum] = []
  @exclusivity(unchecked) var windows: [Datum] = []
  @exclusivity(unchecked) var blockingResults: [Datum] = []

  init(sources: Int, parent: Frame?, context: ExecutionContext) {
    slots = ContiguousArray(repeating: .empty, count: sources)
    self.parent = parent
    self.context = context
  }

  /// A frame for an expression over one row alone: a CHECK, an index's condition.
  static func row(_ values: [Datum], in context: ExecutionContext = ExecutionContext(session: nil, parameters: []))
    -> Frame
  {
    let frame = Frame(sources: 1, parent: nil, context: context)
    frame.slots[0].values = values
    return frame
  }
}
