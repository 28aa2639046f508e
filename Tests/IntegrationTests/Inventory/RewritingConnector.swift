import Scenarios
import Seams
import Synchronization

/// The live SQL seam with a planted bug in it: a statement is rewritten on its way, from any thread.
final class RewritingConnector: SQLConnector {
  private let base: any SQLConnector
  private let rewrite: StatementRewrite
  private let counts = Mutex((rewritten: 0, deadlocks: 0))

  /// How many statements were sent rewritten.
  var rewritten: Int { counts.withLock { $0.rewritten } }
  /// How many calls the server ended with 40P01.
  var deadlocks: Int { counts.withLock { $0.deadlocks } }

  /// `base`, with `rewrite` between it and its users.
  init(_ base: any SQLConnector, _ rewrite: StatementRewrite) {
    self.base = base
    self.rewrite = rewrite
  }

  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    Connection(base: try await base.connect(deadline: deadline), connector: self)
  }

  private func rewritten(_ statement: SQLStatement) -> SQLStatement {
    guard let text = rewrite.apply(to: statement.text) else { return statement }
    counts.withLock { $0.rewritten += 1 }
    return SQLStatement(trusted: text, parameters: statement.parameters)
  }

  private func counting<Value>(_ call: () async throws -> Value) async throws -> Value {
    do {
      return try await call()
    } catch let error as SQLError where error.sqlState == .deadlockDetected {
      counts.withLock { $0.deadlocks += 1 }
      throw error
    }
  }

  private final class Connection: SQLConnection {
    let base: any SQLConnection
    let connector: RewritingConnector

    init(base: any SQLConnection, connector: RewritingConnector) {
      self.base = base
      self.connector = connector
    }

    var status: SQLConnectionStatus { base.status }

    func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
      try await connector.counting {
        try await base.execute(connector.rewritten(statement), deadline: deadline)
      }
    }

    func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
      try await connector.counting {
        try await base.executeBatch(statements.map(connector.rewritten), deadline: deadline)
      }
    }

    func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
      try await base.executeScript(text, deadline: deadline)
    }

    func close() { base.close() }
  }
}
