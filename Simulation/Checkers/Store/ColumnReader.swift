internal import Seams
internal import SimulatedPostgres

/// The values of a row by column name.
struct ColumnReader {
  let columns: SQLColumns
  let values: [SQLValue]

  func read<Value: SQLDecodable>(_ column: String, as type: Value.Type = Value.self) -> Value {
    guard let index = columns.index(of: column), let value = Value(sqlValue: values[index]) else {
      preconditionFailure("the column \(column) is missing or is no \(Value.sqlTypeName)")
    }
    return value
  }

  /// The value of a column that may be NULL.
  func readIfPresent<Value: SQLDecodable>(_ column: String, as type: Value.Type = Value.self) -> Value? {
    guard let index = columns.index(of: column) else { preconditionFailure("the column \(column) is missing") }
    return values[index] == .null ? nil : read(column)
  }
}

extension RowChange {
  /// The row before and after, as `make` reads it.
  func pair<Row>(_ make: (ColumnReader) -> Row) -> RowPair<Row> {
    RowPair(
      old: old.map { make(ColumnReader(columns: columns, values: $0)) },
      new: new.map { make(ColumnReader(columns: columns, values: $0)) })
  }

  /// The row that was added, as `make` reads it; `nil` when it was there before, or is gone.
  func added<Row>(_ make: (ColumnReader) -> Row) -> Row? {
    guard old == nil, let new else { return nil }
    return make(ColumnReader(columns: columns, values: new))
  }
}
