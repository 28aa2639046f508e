/// Why a statement failed.
public struct SQLError: Error, Sendable, CustomStringConvertible {
  /// What happened. Open for growth; PostgreSQL's own errors keep their SQLSTATE in ``SQLError/sqlState``.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name: `connection_lost`.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The server answered with an error: see ``SQLError/sqlState``.
    public static let server = Code("server_error")
    /// No connection could be opened: nothing was sent.
    public static let connectFailed = Code("connect_failed")
    /// The connection broke while the statement was under way.
    public static let connectionLost = Code("connection_lost")
    /// The deadline passed. The connection is clean or closed afterwards.
    public static let deadlineExceeded = Code("deadline_exceeded")
    /// The connection was closed before the call: nothing was sent.
    public static let connectionClosed = Code("connection_closed")
    /// A pool had no connection free before the deadline: nothing was sent.
    public static let poolExhausted = Code("pool_exhausted")
  }

  /// What happened.
  public var code: Code
  /// The server's five-character SQLSTATE, where the server answered (PostgreSQL manual, appendix A).
  public var sqlState: SQLState?
  /// The server's primary message, or ours.
  public var message: String
  /// The server's DETAIL.
  public var detail: String?
  /// The server's HINT.
  public var hint: String?
  /// The table, where the server names one.
  public var table: String?
  /// The column, where the server names one.
  public var column: String?
  /// The constraint, where the server names one.
  public var constraint: String?
  /// The position in the statement's text, counted in characters from 1, where the server names one.
  public var position: Int?
  /// In a batch, which statement failed, counted from 0.
  public var batchIndex: Int?
  /// Whether a COMMIT (explicit, or implied by the end of a statement outside a transaction) may have taken effect.
  public var commitMayHaveTakenEffect: Bool
  /// The error below this one.
  public var cause: (any Error)?

  /// An error of `code`.
  public init(
    _ code: Code, sqlState: SQLState? = nil, message: String, commitMayHaveTakenEffect: Bool = false,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.sqlState = sqlState
    self.message = message
    self.commitMayHaveTakenEffect = commitMayHaveTakenEffect
    self.cause = cause
  }

  /// Whether the *transaction* may be run again from its start.
  public var disposition: FailureDisposition {
    if commitMayHaveTakenEffect { return .ambiguous }
    guard let sqlState else { return .retryable }
    return sqlState.isRetryable ? .retryable : .permanent
  }

  /// The code, the SQLSTATE and whatever else the server said, in one line.
  public var description: String {
    var parts = ["\(code)"]
    if let sqlState { parts[0] += " \(sqlState)" }
    parts.append(message)
    if let detail { parts.append("detail: \(detail)") }
    if let hint { parts.append("hint: \(hint)") }
    if let position { parts.append("at character \(position)") }
    if let cause { parts.append("(\(cause))") }
    return parts.joined(separator: ": ")
  }
}

/// A five-character SQLSTATE (PostgreSQL manual, appendix A).
public struct SQLState: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// Its five characters.
  public let description: String

  /// The state `code`, five characters.
  public init(_ code: String) { description = code }

  /// The state that is written, five characters.
  public init(stringLiteral value: String) { self.init(value) }

  /// Whether the same transaction may succeed when it is run again: serialization failures, deadlocks, lock and
  /// statement time-outs, too many connections, and a server that is starting or stopping.
  public var isRetryable: Bool {
    switch description {
    case "40001", "40P01", "55P03", "57014", "53300", "57P01", "57P02", "57P03": true
    default: false
    }
  }

  /// 0A000 feature_not_supported.
  public static let featureNotSupported: SQLState = "0A000"
  /// 23502 not_null_violation.
  public static let notNullViolation: SQLState = "23502"
  /// 23503 foreign_key_violation.
  public static let foreignKeyViolation: SQLState = "23503"
  /// 23505 unique_violation.
  public static let uniqueViolation: SQLState = "23505"
  /// 23514 check_violation.
  public static let checkViolation: SQLState = "23514"
  /// 25P02 in_failed_sql_transaction: nothing but ROLLBACK is answered.
  public static let inFailedTransaction: SQLState = "25P02"
  /// 40001 serialization_failure: the transaction may be run again.
  public static let serializationFailure: SQLState = "40001"
  /// 40P01 deadlock_detected: the transaction may be run again.
  public static let deadlockDetected: SQLState = "40P01"
  /// 55P03 lock_not_available: NOWAIT, or `lock_timeout`.
  public static let lockNotAvailable: SQLState = "55P03"
  /// 57014 query_canceled: a cancel request, or `statement_timeout`.
  public static let queryCanceled: SQLState = "57014"
  /// 53300 too_many_connections.
  public static let tooManyConnections: SQLState = "53300"
  /// 57P01 admin_shutdown: the server ends the session.
  public static let adminShutdown: SQLState = "57P01"
  /// 57P03 cannot_connect_now: the server starts or stops.
  public static let cannotConnectNow: SQLState = "57P03"
}
