internal import Logging
internal import Reactor
public import Seams
internal import Synchronization

/// A connection to PostgreSQL through libpq.
///
/// Statements go out from the caller's thread; the answers are read on the reactor's thread as they arrive. Nothing
/// here blocks. Every statement is prepared once and travels with its parameters, a batch with all of its statements,
/// in one write: libpq's pipeline mode (manual, 34.5).
///
/// When a deadline passes or the task is cancelled, the server is asked to cancel on a helper thread, because
/// `PQcancel` blocks. The call then waits a bounded time for the answer, and closes the connection when none comes.
/// `PQcancel` of libpq 15 sends its secret key in the clear even when the connection is encrypted; so under TLS the
/// connection is closed instead, and the server, which looks at its clients' sockets every second
/// (`client_connection_check_interval`), ends the statement by itself.
public final class PostgresConnection: SQLConnection {
  /// The limits of one connection.
  struct Limits: Sendable {
    var preparedStatements: Int
    /// How long a cancelled call, or the ROLLBACK of a failed batch, waits for its answer. Nanoseconds.
    var grace: Int64
  }

  enum Work {
    case statements([SQLStatement], isBatch: Bool)
    case script(String)
  }

  /// What a call is answered with: decoded by the caller, so that the reactor's thread is free for others.
  struct Answers: Sendable {
    var statements: [PreparedStatement] = []
    var results: [LibPQResult] = []
  }

  typealias Continuation = UnsafeContinuation<Answers, any Error>

  let state: Mutex<State>
  let reactor: Reactor
  let clock: any MonotonicClock
  let canceller: LibPQCanceller?
  let limits: Limits
  let logger: Logger
  /// The server process that serves the connection, for the harness and for logs.
  package let backendPID: Int32

  /// Takes over a connection that is open, idle and non-blocking.
  init(_ link: LibPQConnection, reactor: Reactor, clock: any MonotonicClock, limits: Limits, logger: Logger) {
    self.reactor = reactor
    self.clock = clock
    self.limits = limits
    self.logger = logger
    backendPID = link.backendPID
    canceller = link.usesTLS ? nil : link.makeCanceller()
    state = Mutex(State(link: link, capacity: limits.preparedStatements))
    state.withLock { $0.registration = reactor.register(link.socket, handler: self) }
  }

  deinit {
    state.withLock { state in
      if let link = state.link, let registration = state.registration {
        reactor.deregister(registration, link.socket)
      }
    }
  }

  public var status: SQLConnectionStatus { state.withLock { $0.status } }

  public func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
    let answers = try await call(.statements([statement], isBatch: false), deadline: deadline)
    return PostgresConnection.decode(answers.results[0], of: answers.statements[0])
  }

  public func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
    if statements.isEmpty { return [] }
    let answers = try await call(.statements(statements, isBatch: true), deadline: deadline)
    var results: [SQLResult] = []
    results.reserveCapacity(statements.count)
    for index in answers.results.indices {
      results.append(PostgresConnection.decode(answers.results[index], of: answers.statements[index]))
    }
    return results
  }

  public func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
    _ = try await call(.script(text), deadline: deadline)
  }

  public func close() {
    let completion = state.withLock { state in
      end(&state, because: "the connection was closed by this program") { call in
        SQLError(
          .connectionClosed, message: "the connection was closed while the statement was under way",
          commitMayHaveTakenEffect: call.progress.mayHaveCommitted)
      }
    }
    completion?.resume()
  }

  private static func decode(_ result: LibPQResult, of statement: PreparedStatement) -> SQLResult {
    guard result.columnCount > 0 else { return SQLResult(rows: [], rowCount: result.rowCount) }
    return SQLResult(rows: result.rows(statement.shape(of: result)), rowCount: result.rowCount)
  }

  private func call(_ work: Work, deadline: MonotonicInstant) async throws -> Answers {
    try Task.checkCancellation()
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        begin(work, deadline: deadline, continuation)?.resume()
        // A cancellation that came before there was a call to cancel has found nothing to do.
        if Task.isCancelled { cancelForTask() }
      }
    } onCancel: {
      cancelForTask()
    }
  }
}

extension PostgresConnection {
  /// Everything that changes; guarded by the connection's lock.
  struct State {
    /// `nil` once the connection is closed.
    var link: LibPQConnection?
    var registration: Reactor.Registration?
    var prepared: PreparedStatements
    var parameters = ParameterBuffer()
    var status = SQLConnectionStatus.idle
    var call: Call?
    /// Whether libpq still holds bytes that the socket did not take.
    var wantsWriting = false
    /// When the reactor will call; never after the deadline of ``call``.
    var armedTimer = Int64.max
    /// Why the connection is closed.
    var closeReason = ""

    init(link: LibPQConnection, capacity: Int) {
      self.link = link
      prepared = PreparedStatements(capacity: capacity)
    }
  }

  /// The one call under way.
  struct Call {
    enum Reason { case deadline, task }

    struct Cancellation {
      var reason: Reason
      /// Whether the server has taken the request: before that, the next statement could be hit.
      var requestHasReturned = false
    }

    /// A batch failed inside a transaction: ROLLBACK is under way, and then this happens.
    enum AfterRollback {
      case fail(any Error)
      case retry
    }

    var work: Work
    var continuation: Continuation
    /// On the reactor's time line.
    var deadline: Int64
    var startStatus: SQLConnectionStatus
    var progress: PipelineProgress
    var answers = Answers()
    var cancellation: Cancellation?
    var afterRollback: AfterRollback?
    /// Whether statements with stale plans have been prepared anew: done once.
    var hasReprepared = false

    var isBatch: Bool {
      if case .statements(_, let isBatch) = work { isBatch } else { false }
    }
  }

  /// A continuation and what it gets; resumed outside the lock.
  struct Completion {
    var continuation: Continuation
    var result: Result<Answers, any Error>

    func resume() { continuation.resume(with: result) }
  }
}
