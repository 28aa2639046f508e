/// What a statement answered.
public struct SQLResult: Sendable {
  /// The rows, in the order in which the server sent them.
  public var rows: [SQLRow]
  /// Rows inserted, updated, deleted or selected, as the command tag counts them; 0 for other commands.
  public var rowCount: Int

  /// A result of `rows`; `rowCount` defaults to their number.
  public init(rows: [SQLRow] = [], rowCount: Int? = nil) {
    self.rows = rows
    self.rowCount = rowCount ?? rows.count
  }
}

/// The columns of a result: shared by its rows.
public final class SQLColumns: Sendable {
  /// A column's name and the name of its PostgreSQL type (`uuid`, `int4`, `timestamptz`).
  public struct Column: Sendable, Hashable {
    /// The column's name, or its alias.
    public var name: String
    /// The type's name in PostgreSQL: `int4`, `uuid`.
    public var typeName: String

    /// A column `name` of PostgreSQL type `typeName`.
    public init(name: String, typeName: String) {
      self.name = name
      self.typeName = typeName
    }
  }

  /// The columns from left to right.
  public let columns: [Column]

  /// The columns of a result, from left to right.
  public init(_ columns: [Column]) {
    self.columns = columns
  }

  /// The position of the column `name`, `nil` when there is none.
  public func index(of name: String) -> Int? {
    columns.firstIndex { $0.name == name }
  }
}

/// One row of a result.
public struct SQLRow: Sendable {
  /// The result's columns.
  public let columns: SQLColumns
  /// One value for each column.
  public let values: [SQLValue]

  /// A row of `values`, one for each of `columns`.
  public init(columns: SQLColumns, values: [SQLValue]) {
    self.columns = columns
    self.values = values
  }

  /// The value of a column that is never NULL.
  ///
  /// - Throws: ``SQLDecodingError`` that names the column and both types when the column is missing, is NULL or holds
  ///   another type.
  @inlinable
  public func decode<Value: SQLDecodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
    guard let value = try decodeIfPresent(column, as: type) else {
      throw SQLDecodingError(column: column, expected: Value.sqlTypeName, found: "NULL")
    }
    return value
  }

  /// The value of a column, `nil` when it is NULL.
  ///
  /// - Throws: ``SQLDecodingError`` that names the column and both types when the column is missing or holds another
  ///   type.
  @inlinable
  public func decodeIfPresent<Value: SQLDecodable>(
    _ column: String, as type: Value.Type = Value.self
  ) throws -> Value? {
    guard let index = columns.index(of: column) else {
      let known = columns.columns.map(\.name).joined(separator: ", ")
      throw SQLDecodingError(column: column, expected: Value.sqlTypeName, found: "no such column among \(known)")
    }
    let raw = values[index]
    if raw == .null { return nil }
    guard let value = Value(sqlValue: raw) else {
      throw SQLDecodingError(
        column: column, expected: Value.sqlTypeName, found: columns.columns[index].typeName)
    }
    return value
  }
}

/// A column could not be read as the type that was asked for: a mistake in the program or the schema.
public struct SQLDecodingError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The column's name.
  public var column: String
  /// The type that was asked for.
  public var expected: String
  /// The type that was there, or `NULL`.
  public var found: String

  /// `column` holds `found` where `expected` was asked for.
  public init(column: String, expected: String, found: String) {
    self.column = column
    self.expected = expected
    self.found = found
  }

  /// What was expected in which column, and what was found.
  public var description: String {
    "column \"\(column)\": expected \(expected), found \(found)"
  }
}
