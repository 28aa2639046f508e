/// INSERT: the rows to insert, and what to do when one is there already.
final class InsertPlan {
  let table: Table
  /// Where the rows come from; `nil` when ``values`` are all of them.
  var source: QueryPlan?
  /// One expression for each of the table's columns; with a source, one list over its row.
  var values: [[BoundExpression]] = []
  var conflict: ConflictPlan?
  let returning = SelectPlan(columns: [])

  init(table: Table) { self.table = table }
}

/// ON CONFLICT.
final class ConflictPlan {
  /// The indexes whose conflicts are taken; `nil`: all unique ones.
  var arbiters: [Index]?
  /// `nil`: DO NOTHING.
  var assignments: [(column: Int, value: BoundExpression)]?
  var condition: BoundExpression?
  var touchesKey = false
}

/// UPDATE: source 0 of the query is the table.
final class UpdatePlan {
  let table: Table
  let select = SelectPlan(columns: [])
  var assignments: [(column: Int, value: BoundExpression)] = []
  /// Whether a column is assigned that a foreign key could refer to: changing it takes the strongest row lock.
  var touchesKey = false
  let returning = SelectPlan(columns: [])

  init(table: Table) { self.table = table }
}

final class DeletePlan {
  let table: Table
  let select = SelectPlan(columns: [])
  let returning = SelectPlan(columns: [])

  init(table: Table) { self.table = table }
}
