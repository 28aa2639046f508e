import Seams
import SimulationKernel

/// The settings of a session that SET changes.
struct SessionSettings {
  var deadlockTimeout: Duration
  var lockTimeout = Duration.zero
  var statementTimeout = Duration.zero
  var idleInTransactionTimeout = Duration.zero
  var defaultIsolation = IsolationLevel.readCommitted
  var defaultReadOnly = false
  var others: [String: String] = ["application_name": "", "client_min_messages": "notice"]
}

/// A backend: one connection's side in the server.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class Session: @unchecked Sendable {
  enum Block {
    case none
    /// Statements of one batch outside an explicit transaction.
    case implicit
    case explicit
    case failed
  }

  let database: Database
  let process: SimulatedProcess
  let pid: Int
  @exclusivity(unchecked) var transaction: Transaction?
  @exclusivity(unchecked) var block = Block.none
  /// What is in force now.
  @exclusivity(unchecked) var settings: SessionSettings
  /// What the running transaction leaves when it commits: without what was set LOCAL.
  @exclusivity(unchecked) var pendingSettings: SessionSettings
  /// What was in force before the running transaction: what a rollback returns to.
  @exclusivity(unchecked) private var sessionSettings: SessionSettings
  /// Whether the running transaction has set anything.
  @exclusivity(unchecked) var hasSet = false
  @exclusivity(unchecked) var waiter: LockWaiter?
  @exclusivity(unchecked) private var sleeping: PendingCall<Bool>?
  /// The snapshot of the running statement, which pruning must leave whole.
  @exclusivity(unchecked) var statementSnapshot: UInt64?
  /// `statement_timestamp()`.
  @exclusivity(unchecked) var statementTime: Int64 = 0
  @exclusivity(unchecked) var sessionLocks: [(tag: LockTag, mode: LockMode)] = []
  @exclusivity(unchecked) private(set) var isDead = false
  /// How long the next statement takes before it does anything: the fault of a slow server.
  @exclusivity(unchecked) var slowness = Duration.zero
  @exclusivity(unchecked) private(set) var isRunning = false

  init(database: Database, process: SimulatedProcess, pid: Int) {
    self.database = database
    self.process = process
    self.pid = pid
    settings = SessionSettings(deadlockTimeout: database.options.deadlockTimeout)
    pendingSettings = settings
    sessionSettings = settings
    statementTime = database.wallNow
  }

  var killedError: SQLError {
    Failure.make(.adminShutdown, "terminating connection due to administrator command")
  }

  /// Ends the session: its transaction rolls back, its locks are free.
  func die() {
    guard !isDead else { return }
    isDead = true
    abortTransaction()
    advisoryUnlockAll()
    database.sessions.removeAll { $0 === self }
    cancel(killedError)
  }

  /// Fails what the session waits for now. Between two waits a statement is not interrupted: no event of the kernel can
  /// come there.
  func cancel(_ error: SQLError) {
    if let waiter {
      waiter.call.fail(error)
    } else if let sleeping {
      sleeping.fail(error)
    }
  }

  func abortTransaction() {
    if let transaction {
      self.transaction = nil
      statementSnapshot = nil
      database.rollback(transaction)
    }
    restoreSettings()
    block = .none
  }

  private func restoreSettings() {
    guard hasSet else { return }
    hasSet = false
    settings = sessionSettings
    pendingSettings = sessionSettings
  }

  func keepSettings() {
    guard hasSet else { return }
    hasSet = false
    sessionSettings = pendingSettings
    settings = pendingSettings
  }

  /// Waits for a span of virtual time; a cancellation ends it.
  func sleep(_ span: Duration) async throws {
    guard span > .zero else { return }
    let call = process.pendingCall("a sleep in the database", as: Bool.self)
    let timer = database.kernel.schedule(after: span) { call.resume(returning: true) }
    sleeping = call
    defer {
      sleeping = nil
      database.kernel.cancel(timer)
    }
    _ = try await call.value()
  }

  private func sleepIfSlow() async throws {
    guard slowness > .zero else { return }
    let span = slowness
    slowness = .zero
    try await sleep(span)
  }

  /// Lets other sessions come between two rows that a statement locks one after the other, as they may on a real server:
  /// without it two statements that lock the same rows in different orders could not meet in a circle. Once in four rows
  /// is often enough, and only beside another transaction.
  func pauseBetweenRows() async throws {
    guard database.options.rowOrder == .seeded, database.activeTransactions.count > 1,
      database.paceStream.index(below: 4) == 0
    else { return }
    try await sleep(.nanoseconds(database.paceStream.index(below: 1_000)))
  }

  // MARK: Statements

  /// Runs one statement, as the extended protocol's Parse, Bind and Execute do.
  func execute(_ statement: SQLStatement) async throws -> SQLResult {
    try await execute(statement.text, statement.parameters)
  }

  func execute(_ text: String, _ parameters: [SQLValue]) async throws -> SQLResult {
    statementTime = database.wallNow
    database.statistics.statements += 1
    isRunning = true
    defer { isRunning = false }
    var timer: TimerToken?
    if settings.statementTimeout > .zero {
      timer = database.kernel.schedule(after: settings.statementTimeout) { [self] in
        cancel(Failure.make(.queryCanceled, "canceling statement due to statement timeout"))
      }
    }
    defer { if let timer { database.kernel.cancel(timer) } }
    do {
      try await sleepIfSlow()
      let prepared = try database.prepare(text)
      guard let syntax = prepared.statement else { return SQLResult() }
      if block == .failed, !Session.isAllowedInFailedTransaction(syntax) {
        throw Failure.make(
          .inFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
      }
      database.kernel.record(
        .sqlStatement, host: database.host, UInt64(pid) << 32 | prepared.number, UInt64(parameters.count),
        detail: "session \(pid): \(StatementText.line(text, parameters))")
      let result = try await execute(prepared, syntax, parameters)
      database.kernel.record(
        .sqlOutcome, host: database.host, UInt64(pid), UInt64(result.rowCount),
        detail: "session \(pid): \(result.rowCount) \(result.rowCount == 1 ? "row" : "rows")")
      return result
    } catch {
      if let error = error as? SQLError {
        database.kernel.record(.sqlOutcome, host: database.host, "session \(pid): \(error)")
      }
      failed(error)
      throw error
    }
  }

  /// Runs statements of a script one after the other, as one simple query does: one implicit transaction.
  func executeScript(_ text: String) async throws {
    statementTime = database.wallNow
    do {
      try await sleepIfSlow()
      let statements = try Parser.statements(of: text)
      if block == .none { block = .implicit }
      for statement in statements {
        database.statistics.statements += 1
        if block == .failed, !Session.isAllowedInFailedTransaction(statement) {
          throw Failure.make(
            .inFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
        }
        _ = try await execute(PreparedText(statement), statement, [])
        if block == .none { block = .implicit }
      }
      endImplicit()
    } catch {
      failed(error)
      throw error
    }
  }

  /// Begins a batch: statements outside a transaction share an implicit one until ``endImplicit()``.
  func beginImplicit() {
    if block == .none { block = .implicit }
  }

  /// Commits the implicit transaction of a batch.
  func endImplicit() {
    guard block == .implicit else { return }
    block = .none
    if let transaction { commit(transaction) } else { keepSettings() }
  }

  private static func isAllowedInFailedTransaction(_ statement: StatementSyntax) -> Bool {
    switch statement {
    case .rollback, .commit, .rollbackTo: true
    default: false
    }
  }

  /// A statement failed: its transaction is undone, an explicit one waits for its ROLLBACK.
  private func failed(_ error: any Error) {
    if let error = error as? SQLError, error.sqlState == .featureNotSupported,
      error.message.hasPrefix("the simulated PostgreSQL does not support"), database.options.refusalFailsHarness
    {
      database.kernel.failHarness("\(error)")
    }
    guard !isDead else { return }
    switch block {
    case .explicit, .failed:
      block = .failed
      guard let transaction else { return }
      statementSnapshot = nil
      if let last = transaction.savepoints.indices.last {
        // The enclosing transaction lives on: ROLLBACK TO may resume it.
        undo(transaction, toSavepoint: last)
      } else {
        self.transaction = nil
        database.rollback(transaction)
        restoreSettings()
      }
    case .none, .implicit: abortTransaction()
    }
  }

  /// Takes back what the transaction did since the savepoint at `index`, and the locks that it took since.
  func undo(_ transaction: Transaction, toSavepoint index: Int) {
    let savepoint = transaction.savepoints[index]
    database.undo(transaction, downTo: savepoint.undoCount)
    transaction.weakLocks.removeAll { $0.depth > index }
    for place in transaction.heldLocks.indices.reversed() where transaction.heldLocks[place].depth > index {
      let held = transaction.heldLocks.remove(at: place)
      database.locks.release(held.tag, held.mode, self)
      if held.tag.kind == .relation, !held.mode.isWeak { database.table(id: held.tag.first)?.strongLocks -= 1 }
    }
    settings = savepoint.settings
    pendingSettings = savepoint.pendingSettings
    transaction.command += 1
    database.locks.wakeWaiters(of: transaction)
  }

  func commit(_ transaction: Transaction) {
    self.transaction = nil
    statementSnapshot = nil
    database.commit(transaction)
    keepSettings()
  }

  func startTransaction() -> Transaction {
    if let transaction { return transaction }
    let started = database.begin(self, settings.defaultIsolation, readOnly: settings.defaultReadOnly)
    transaction = started
    return started
  }

  private func execute(_ prepared: PreparedText, _ syntax: StatementSyntax, _ parameters: [SQLValue]) async throws
    -> SQLResult
  {
    switch syntax {
    case .query, .insert, .update, .delete:
      _ = startTransaction()
      let known = cachedPlan(of: prepared)
      let plan = if let known { known } else { try await plan(for: prepared, syntax, parameters.count) }
      let values = try Session.bind(parameters, plan.parameterTypes)
      let result = try await run(plan, values)
      if block == .none, let transaction { commit(transaction) }
      guard plan.returnsRows else { return SQLResult(rows: [], rowCount: result.count) }
      let columns = plan.columns
      return SQLResult(
        rows: result.rows.map { SQLRow(columns: columns, values: $0.map(\.sqlValue)) }, rowCount: result.count)
    case .begin, .commit, .rollback, .savepoint, .rollbackTo, .release, .setTransaction:
      try control(syntax)
      return SQLResult()
    case .set(let name, let value, let isLocal, let position):
      if isLocal, block != .explicit { return SQLResult() }
      try set(name, value, isLocal: isLocal, at: position)
      return SQLResult()
    case .show(let name, let position):
      let columns = SQLColumns([SQLColumns.Column(name: name, typeName: "text")])
      return SQLResult(rows: [SQLRow(columns: columns, values: [.text(try show(name, at: position))])])
    default:
      let transaction = startTransaction()
      try transaction.writable("this command")
      statementSnapshot = database.commitSequence
      try await define(syntax)
      statementSnapshot = nil
      transaction.command += 1
      if block == .none { commit(transaction) }
      return SQLResult()
    }
  }

  /// The plan that a statement has, where it still holds and its tables can be locked at once: the common case.
  private func cachedPlan(of prepared: PreparedText) -> StatementPlan? {
    guard let transaction, let plan = prepared.plan, plan.catalogVersion == database.catalogVersion,
      !transaction.changedCatalog, plan.tables.allSatisfy({ lockWeakly($0.table, $0.mode, transaction) })
    else { return nil }
    return plan
  }

  /// The plan of a statement, with its tables locked: the cached one while the catalog has not changed.
  private func plan(for prepared: PreparedText, _ syntax: StatementSyntax, _ parameterCount: Int) async throws
    -> StatementPlan
  {
    while true {
      guard let transaction else { throw killedError }
      if let plan = prepared.plan, plan.catalogVersion == database.catalogVersion, !transaction.changedCatalog {
        var isLocked = true
        for (table, mode) in plan.tables where !lockWeakly(table, mode, transaction) {
          isLocked = false
          _ = try await lock(table, mode)
        }
        if isLocked || plan.catalogVersion == database.catalogVersion { return plan }
        continue
      }
      do {
        let plan = try Binder.bind(syntax, session: self, parameterCount: parameterCount)
        if !transaction.changedCatalog { prepared.plan = plan }
        return plan
      } catch let busy as RelationBusy {
        _ = try await lock(busy.table, busy.mode)
      }
    }
  }

  /// Converts bind parameters to the types that the statement gave them.
  private static func bind(_ parameters: [SQLValue], _ types: [SQLType]) throws -> [Datum] {
    if parameters.count != types.count {
      throw Failure.make(
        "08P01",
        "bind message supplies \(parameters.count) parameters, but prepared statement \"\" requires \(types.count)")
    }
    var values: [Datum] = []
    values.reserveCapacity(parameters.count)
    for index in parameters.indices { values.append(try ParameterInput.datum(parameters[index], types[index])) }
    return values
  }
}
