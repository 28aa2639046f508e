import Seams
import SimulatedNetwork
import SimulationKernel

/// What a client asks of its backend.
enum BackendRequest {
  case statement(SQLStatement)
  case batch([SQLStatement])
  case script(String)

  var bytes: Int {
    switch self {
    case .statement(let statement): 32 + statement.text.utf8.count + 16 * statement.parameters.count
    case .batch(let statements): statements.reduce(32) { $0 + $1.text.utf8.count + 16 * $1.parameters.count }
    case .script(let text): 32 + text.utf8.count
    }
  }
}

/// What a backend answers: the results or the error, and where the connection stands then.
struct BackendReply {
  var result: Result<[SQLResult], SQLError>
  var status: SQLConnectionStatus
}

/// The server's end of one connection: a task on the server's process that runs one request after the other.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class Backend: @unchecked Sendable {
  private unowned let server: SimulatedPostgresServer
  let session: Session
  private let connection: SimulatedPostgresConnection
  @exclusivity(unchecked) private var request: (number: Int, request: BackendRequest)?
  @exclusivity(unchecked) private var idle: PendingCall<Bool>?
  @exclusivity(unchecked) private var isClosed = false

  init(server: SimulatedPostgresServer, session: Session, connection: SimulatedPostgresConnection) {
    self.server = server
    self.session = session
    self.connection = connection
  }

  // MARK: What arrives from the network

  func receive(_ number: Int, _ request: BackendRequest) {
    guard !isClosed, !session.isDead else { return breakConnection() }
    self.request = (number, request)
    idle?.resume(returning: true)
  }

  /// Cancels request `number` when it still runs.
  func cancel(_ number: Int) {
    guard !isClosed, request?.number == number else { return }
    session.cancel(Failure.make(.queryCanceled, "canceling statement due to user request"))
  }

  /// The client closed its end, or is gone.
  func hangUp() {
    guard !isClosed else { return }
    close()
  }

  /// An administrator ends the session.
  func terminate(
    _ state: SQLState = .adminShutdown, _ message: String = "terminating connection due to administrator command"
  ) {
    guard !isClosed else { return }
    let error = SQLError(.server, sqlState: state, message: message)
    close()
    answer(nil, with: error)
  }

  private func close() {
    isClosed = true
    session.die()
    server.forget(self)
    idle?.resume(returning: false)
  }

  /// Tells the client that the connection is no more.
  func breakConnection() {
    isClosed = true
    answer(nil, with: SQLError(.connectionLost, message: "server closed the connection unexpectedly"))
  }

  private func answer(_ number: Int?, with error: SQLError) {
    let connection = connection
    server.network.send(from: server.host, to: connection.process.host, bytes: 64) { connection.reset(error) }
  }

  // MARK: The loop

  func run() async throws {
    while !isClosed {
      if request == nil {
        let call = session.process.pendingCall("a client's request", as: Bool.self)
        idle = call
        let timer = idleTimer()
        defer { if let timer { session.database.kernel.cancel(timer) } }
        guard try await call.value() else { return }
        idle = nil
      }
      guard let (number, current) = request else { continue }
      let reply = try await perform(current)
      request = nil
      guard let reply, !isClosed else { continue }
      let connection = connection
      server.network.send(from: server.host, to: connection.process.host, bytes: Backend.size(reply)) {
        connection.receive(number, reply)
      }
    }
  }

  /// `idle_in_transaction_session_timeout`: ends a session that leaves its transaction open.
  private func idleTimer() -> TimerToken? {
    let limit = session.settings.idleInTransactionTimeout
    guard limit > .zero, session.block == .explicit || session.block == .failed else { return nil }
    return session.database.kernel.schedule(after: limit) { [self] in
      terminate("25P03", "terminating connection due to idle-in-transaction timeout")
    }
  }

  private static func size(_ reply: BackendReply) -> Int {
    guard case .success(let results) = reply.result else { return 96 }
    return results.reduce(32) { $0 + 16 + $1.rows.count * 16 * ($1.rows.first?.values.count ?? 0) }
  }

  /// Runs a request with the faults that strike it; `nil` when the connection broke.
  private func perform(_ request: BackendRequest) async throws -> BackendReply? {
    let faults = server.faults
    if server.strikes(.slowStatement, faults.slowStatements) {
      session.slowness = server.stream(.slowStatement).duration(in: faults.slowness)
    }
    if server.strikes(.connectionLostBefore, faults.loseConnection / 2) { return lost() }
    let commits = server.mayLoseCommits && commits(request)
    if commits, server.strikes(.commitAnswerLostRolledBack, faults.loseCommitAnswerRolledBack) { return lost() }
    let result = try await execute(request)
    if commits, case .success = result,
      server.strikes(.commitAnswerLostCommitted, faults.loseCommitAnswerCommitted)
    {
      return lost()
    }
    if server.strikes(.connectionLostAfter, faults.loseConnection / 2) { return lost() }
    return session.isDead ? nil : BackendReply(result: result, status: status)
  }

  private func lost() -> BackendReply? {
    close()
    breakConnection()
    return nil
  }

  private var status: SQLConnectionStatus {
    switch session.block {
    case .none, .implicit: .idle
    case .explicit: .inTransaction
    case .failed: .inFailedTransaction
    }
  }

  /// Whether the request would commit changes if it succeeded.
  private func commits(_ request: BackendRequest) -> Bool {
    switch request {
    case .statement(let statement):
      session.block == .none ? syntax(statement)?.modifies ?? false : isCommit(statement)
    case .batch(let statements):
      statements.contains { session.block == .none && (syntax($0)?.modifies ?? false) || isCommit($0) }
    case .script: session.block == .none
    }
  }

  private func syntax(_ statement: SQLStatement) -> StatementSyntax? {
    (try? session.database.prepare(statement.text))?.statement
  }

  private func isCommit(_ statement: SQLStatement) -> Bool {
    if case .commit? = syntax(statement) { true } else { false }
  }

  private func execute(_ request: BackendRequest) async throws -> Result<[SQLResult], SQLError> {
    do {
      switch request {
      case .statement(let statement): return .success([try await session.execute(statement)])
      case .batch(let statements): return .success(try await executeBatch(statements))
      case .script(let text):
        try await session.executeScript(text)
        return .success([])
      }
    } catch let error as SQLError {
      return .failure(error)
    }
  }

  private func executeBatch(_ statements: [SQLStatement]) async throws -> [SQLResult] {
    var results: [SQLResult] = []
    results.reserveCapacity(statements.count)
    var committed = false
    for (index, statement) in statements.enumerated() {
      session.beginImplicit()
      do {
        results.append(try await session.execute(statement))
        if isCommit(statement) { committed = true }
      } catch var error as SQLError {
        if !session.isDead { session.abortTransaction() }
        error.batchIndex = index
        error.commitMayHaveTakenEffect = committed
        throw error
      }
    }
    session.endImplicit()
    return results
  }
}
