/// A row holds what the schema's constraints forbid.
package struct InvalidRow: Error, CustomStringConvertible {
  /// The column.
  package var column: String
  /// What it holds.
  package var value: String

  /// `value` in `column`.
  package init(column: String, value: String) {
    self.column = column
    self.value = value
  }

  /// The column and what it holds.
  package var description: String { "the column \"\(column)\" holds \"\(value)\", which its constraint forbids" }
}
