/// The SQL seam: opens connections. Live: libpq. Simulated: the in-memory engine behind the message network.
public protocol SQLConnector: Sendable {
  /// Opens a connection.
  ///
  /// - Parameter deadline: when to give up, on the connector's own clock; covers name resolution, TLS and sign-in.
  /// - Throws: ``SQLError`` with ``SQLError/Code/connectFailed``, with the server's SQLSTATE where it answered;
  ///   `CancellationError` when the task is cancelled.
  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection
}

/// One connection to a database. One call at a time: a second concurrent call is a programming error and traps.
public protocol SQLConnection: AnyObject, Sendable {
  /// Where the connection stands, as its last answer said.
  var status: SQLConnectionStatus { get }

  /// Runs one statement. Outside a transaction it is a transaction of its own.
  ///
  /// The statement is prepared once per connection and text, then reused.
  ///
  /// - Parameter deadline: when to cancel. A cancelled statement leaves the connection clean or closed.
  /// - Throws: ``SQLError``; `CancellationError` when the task is cancelled (the statement is cancelled too).
  func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult

  /// Runs statements in one round trip (libpq's pipeline mode with one sync at the end).
  ///
  /// Outside a transaction the batch is one implicit transaction, unless it holds its own BEGIN and COMMIT. The first
  /// error ends it: later statements do not run, and a transaction that was open or opened in the batch is rolled
  /// back before the call throws, so that the connection is idle again.
  ///
  /// - Returns: one result for each statement.
  /// - Throws: ``SQLError`` with ``SQLError/batchIndex``; `CancellationError` when the task is cancelled.
  func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult]

  /// Runs a text of several statements separated by semicolons, without parameters: a migration. Not prepared.
  ///
  /// - Throws: ``SQLError``; `CancellationError` when the task is cancelled.
  func executeScript(_ text: String, deadline: MonotonicInstant) async throws

  /// Closes the connection at once; an open transaction is rolled back by the server. Repeating it does nothing.
  func close()
}

/// Where a connection stands between two calls.
public enum SQLConnectionStatus: Sendable, Hashable {
  /// Open, in no transaction.
  case idle
  /// In a transaction.
  case inTransaction
  /// In a transaction that failed: only ROLLBACK is accepted (25P02).
  case inFailedTransaction
  /// Closed, by us or by the other side. It never opens again.
  case closed
}
