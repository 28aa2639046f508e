import Seams

/// Makes the errors that the engine throws: ``SQLError`` with PostgreSQL's SQLSTATE and text.
enum Failure {
  static func make(
    _ state: SQLState, _ message: String, at position: Int? = nil, detail: String? = nil, hint: String? = nil
  )
    -> SQLError
  {
    var error = SQLError(.server, sqlState: state, message: message)
    error.position = position.map { $0 + 1 }
    error.detail = detail
    error.hint = hint
    return error
  }

  /// What the engine does not know. The run that meets it ends as a harness failure.
  static func unsupported(_ construct: String, at position: Int? = nil) -> SQLError {
    make(.featureNotSupported, "the simulated PostgreSQL does not support \(construct)", at: position)
  }

  static func syntax(_ message: String, at position: Int) -> SQLError { make("42601", message, at: position) }

  static func outOfRange(_ type: SQLType) -> SQLError { make("22003", "\(type) out of range") }

  static func constraint(
    _ state: SQLState, _ message: String, table: String, constraint: String? = nil, column: String? = nil,
    detail: String? = nil
  ) -> SQLError {
    var error = make(state, message, detail: detail)
    error.table = table
    error.constraint = constraint
    error.column = column
    return error
  }

  static let concurrentUpdate = make(
    .serializationFailure, "could not serialize access due to concurrent update")
  static let concurrentDelete = make(
    .serializationFailure, "could not serialize access due to concurrent delete")
}
