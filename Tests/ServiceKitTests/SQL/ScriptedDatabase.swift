import Seams
import ServiceKit
import Synchronization

/// A database whose answers the test decides: how long connecting takes, what fails, what each statement answers.
///
/// It keeps the rules of a connection's status, so that the pool sees what PostgreSQL would show it.
final class ScriptedDatabase: SQLConnector {
  struct Script: Sendable {
    var connectDelay: Duration = .milliseconds(1)
    var statementDelay: Duration = .milliseconds(1)
    var connectError: SQLError?
    /// Errors for the statements that begin with a text, each used once, in order.
    var statementErrors: [(prefix: String, error: SQLError)] = []
  }

  private struct State {
    var script = Script()
    var connections: [ScriptedConnection] = []
    var connectAttempts: [MonotonicInstant] = []
    var connecting = 0
    var mostConnecting = 0
    var statements: [String] = []
  }

  let clock: any MonotonicClock
  private let state = Mutex(State())

  init(clock: any MonotonicClock) { self.clock = clock }

  var connections: [ScriptedConnection] { state.withLock { $0.connections } }
  var openConnections: Int { connections.count { $0.status != .closed } }
  var connectAttempts: [MonotonicInstant] { state.withLock { $0.connectAttempts } }
  var mostConnecting: Int { state.withLock { $0.mostConnecting } }
  /// Every statement that was sent, in order.
  var statements: [String] { state.withLock { $0.statements } }

  func script(_ change: (inout Script) -> Void) {
    state.withLock { change(&$0.script) }
  }

  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    let delay = state.withLock { state in
      state.connectAttempts.append(clock.now)
      state.connecting += 1
      state.mostConnecting = max(state.mostConnecting, state.connecting)
      return state.script.connectDelay
    }
    defer { state.withLock { $0.connecting -= 1 } }
    let readyAt = clock.now.advanced(by: delay)
    try await clock.sleep(until: min(readyAt, deadline), tolerance: nil)
    if readyAt > deadline { throw SQLError(.connectFailed, message: "no connection in time") }
    if let error = state.withLock({ $0.script.connectError }) { throw error }
    return state.withLock { state in
      let connection = ScriptedConnection(database: self, number: state.connections.count)
      state.connections.append(connection)
      return connection
    }
  }

  /// Notes a statement; its delay and the error it answers with.
  fileprivate func send(_ text: String) -> (delay: Duration, error: SQLError?) {
    state.withLock { state in
      state.statements.append(text)
      let index = state.script.statementErrors.firstIndex { text.hasPrefix($0.prefix) }
      return (state.script.statementDelay, index.map { state.script.statementErrors.remove(at: $0).error })
    }
  }
}

final class ScriptedConnection: SQLConnection {
  let number: Int
  private let database: ScriptedDatabase
  private let current = Mutex((status: SQLConnectionStatus.idle, isBusy: false))

  fileprivate init(database: ScriptedDatabase, number: Int) {
    self.database = database
    self.number = number
  }

  var status: SQLConnectionStatus { current.withLock { $0.status } }

  func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
    current.withLock { current in
      precondition(!current.isBusy, "two calls at the same time")
      current.isBusy = true
    }
    defer { current.withLock { $0.isBusy = false } }
    guard status != .closed else { throw SQLError(.connectionClosed, message: "closed") }
    let (delay, error) = database.send(statement.text)
    let readyAt = database.clock.now.advanced(by: delay)
    do {
      try await database.clock.sleep(until: min(readyAt, deadline), tolerance: nil)
    } catch {
      close()
      throw error
    }
    guard readyAt <= deadline else {
      close()
      throw SQLError(.deadlineExceeded, message: "too slow")
    }
    if let error { throw fail(error) }
    current.withLock { current in
      guard current.status != .closed else { return }
      switch statement.text.prefix(while: { $0 != " " }) {
      case "BEGIN": current.status = .inTransaction
      case "COMMIT", "ROLLBACK": current.status = .idle
      default: break
      }
    }
    if status == .closed { throw SQLError(.connectionLost, message: "closed in mid-statement") }
    return SQLResult(rowCount: 1)
  }

  func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
    var results: [SQLResult] = []
    for statement in statements { results.append(try await execute(statement, deadline: deadline)) }
    return results
  }

  func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
    _ = try await execute(SQLStatement(trusted: text), deadline: deadline)
  }

  func close() { current.withLock { $0.status = .closed } }

  private func fail(_ error: SQLError) -> SQLError {
    current.withLock { current in
      if error.code != .server {
        current.status = .closed
      } else if current.status == .inTransaction {
        current.status = .inFailedTransaction
      }
    }
    return error
  }
}
