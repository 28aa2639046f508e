import Seams
import SimulationKernel

/// A column of a table. A dropped column keeps its place, as in PostgreSQL.
final class Column {
  var name: String
  let type: SQLType
  var notNull: Bool
  var defaultValue: BoundExpression?
  var defaultText: String?
  var identityAlways: Bool?
  var sequence: SequenceGenerator?
  var isDropped = false

  init(name: String, type: SQLType, notNull: Bool) {
    self.name = name
    self.type = type
    self.notNull = notNull
  }
}

/// A sequence. Its values are never given twice, whatever becomes of the transaction that took them.
final class SequenceGenerator {
  let name: String
  var next: Int64 = 1
  let limit: Int64

  init(name: String, limit: Int64) {
    self.name = name
    self.limit = limit
  }
}

struct CheckConstraint {
  var name: String
  var condition: BoundExpression
  var text: String
}

/// A foreign key, shared by the table that has it and the table it refers to.
final class ForeignKey {
  let name: String
  unowned let child: Table
  unowned let parent: Table
  let columns: [Int]
  let parentColumns: [Int]
  let onDelete: ForeignKeyAction

  init(name: String, child: Table, parent: Table, columns: [Int], parentColumns: [Int], onDelete: ForeignKeyAction) {
    self.name = name
    self.child = child
    self.parent = parent
    self.columns = columns
    self.parentColumns = parentColumns
    self.onDelete = onDelete
  }
}

/// An index; a unique one may belong to a constraint of the same name.
final class Index {
  enum Role {
    case plain, unique, uniqueConstraint, primaryKey
  }

  var name: String
  unowned let table: Table
  let columns: [Int]
  let role: Role
  let condition: BoundExpression?
  let conditionText: String?
  @exclusivity(unchecked) var entries: SortedIndex

  init(
    name: String, table: Table, columns: [Int], descending: [Bool], role: Role, condition: BoundExpression? = nil,
    conditionText: String? = nil
  ) {
    self.name = name
    self.table = table
    self.columns = columns
    self.role = role
    self.condition = condition
    self.conditionText = conditionText
    entries = SortedIndex(descending: descending)
  }

  var isUnique: Bool { role != .plain }
  var isConstraint: Bool { role == .primaryKey || role == .uniqueConstraint }

  @inline(__always)
  func key(of values: [Datum]) -> [Datum] {
    if columns.count == 1 { return [values[columns[0]]] }
    return columns.map { values[$0] }
  }

  /// Whether a row of `values` has an entry: a partial index holds what its condition accepts.
  func holds(_ values: [Datum]) throws -> Bool {
    guard let condition else { return true }
    return try condition.test(Frame.row(values))
  }

  /// Whether two rows have the same entry in this index (or none, both).
  func sameEntry(_ old: [Datum], _ new: [Datum]) throws -> Bool {
    let changed = columns.contains { !Datum.identical(old[$0], new[$0]) }
    if condition == nil { return !changed }
    let (before, after) = (try holds(old), try holds(new))
    return before == after && (!before || !changed)
  }
}

/// A table: its definition, its rows and its indexes.
final class Table {
  let id: UInt64
  @exclusivity(unchecked) var name: String
  @exclusivity(unchecked) var columns: [Column]
  @exclusivity(unchecked) var indexes: [Index] = []
  @exclusivity(unchecked) var checks: [CheckConstraint] = []
  @exclusivity(unchecked) var foreignKeys: [ForeignKey] = []
  @exclusivity(unchecked) var referencedBy: [ForeignKey] = []
  /// The transaction that created or dropped the table and has not ended.
  @exclusivity(unchecked) var creator: Transaction?
  @exclusivity(unchecked) var dropper: Transaction?
  /// Locks of SHARE and stronger that are held or waited for: while there are none, weaker ones need no lock table.
  @exclusivity(unchecked) var strongLocks = 0
  /// The columns as results carry them, made once they are asked for.
  @exclusivity(unchecked) var resultColumns: SQLColumns?
  @exclusivity(unchecked) var heap: ContiguousArray<HeapRow?> = []
  @exclusivity(unchecked) private(set) var rowCount = 0
  @exclusivity(unchecked) private var nextRow: UInt64 = 1

  init(id: UInt64, name: String, columns: [Column]) {
    self.id = id
    self.name = name
    self.columns = columns
  }

  func column(named name: String) -> Int? {
    columns.firstIndex { $0.name == name && !$0.isDropped }
  }

  var primaryKey: Index? { indexes.first { $0.role == .primaryKey } }

  /// Whether a column is part of a key that a foreign key could refer to: changing it needs the strongest row lock.
  func isKeyColumn(_ column: Int) -> Bool {
    indexes.contains { $0.isUnique && $0.condition == nil && $0.columns.contains(column) }
  }

  /// - Parameter chance: what decides where the row stands among equal keys of an index; `nil` for the order of arrival.
  func addRow(_ version: RowVersion, chance: RandomStream?) -> HeapRow {
    let tie = chance.map { $0.next() << 32 | nextRow & 0xFFFF_FFFF } ?? nextRow
    let row = HeapRow(table: self, id: nextRow, tie: tie, head: version)
    nextRow += 1
    row.slot = heap.count
    heap.append(row)
    rowCount += 1
    return row
  }

  func removeRow(_ row: HeapRow) {
    guard !row.isRemoved, row.slot < heap.count, heap[row.slot] === row else { return }
    row.isRemoved = true
    heap[row.slot] = nil
    rowCount -= 1
    if heap.count > 64, rowCount < heap.count / 2 { compact() }
  }

  /// Puts a removed row back.
  func restoreRow(_ row: HeapRow) {
    row.isRemoved = false
    row.slot = heap.count
    heap.append(row)
    rowCount += 1
  }

  private func compact() {
    var kept: ContiguousArray<HeapRow?> = []
    kept.reserveCapacity(rowCount)
    for row in heap {
      guard let row else { continue }
      row.slot = kept.count
      kept.append(row)
    }
    heap = kept
  }

  func replaceHeap(_ rows: ContiguousArray<HeapRow?>) {
    heap = rows
    rowCount = rows.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
    for (slot, row) in rows.enumerated() { row?.slot = slot }
  }
}
