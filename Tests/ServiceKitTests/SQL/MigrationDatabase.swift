import Seams
import Synchronization

/// A database that understands what the migrator sends and nothing else: transactions over a list of applied
/// migrations and executed scripts, and one advisory lock that waits.
final class MigrationDatabase: SQLConnector {
  struct Row: Sendable, Hashable {
    var version: Int64
    var name: String
    var checksum: String
  }

  struct Contents: Sendable {
    var hasHistory = false
    var history: [Row] = []
    /// The scripts that took effect, in order.
    var scripts: [String] = []
  }

  fileprivate struct State {
    var contents = Contents()
    var lockHolder: ObjectIdentifier?
    var open = 0
  }

  let clock: any MonotonicClock
  fileprivate let state = Mutex(State())

  init(clock: any MonotonicClock) { self.clock = clock }

  var contents: Contents { state.withLock { $0.contents } }
  var openConnections: Int { state.withLock { $0.open } }

  func change(_ change: (inout Contents) -> Void) { state.withLock { change(&$0.contents) } }

  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    state.withLock { $0.open += 1 }
    return MigrationConnection(self)
  }
}

private final class MigrationConnection: SQLConnection {
  private let database: MigrationDatabase
  private let current = Mutex((status: SQLConnectionStatus.idle, draft: MigrationDatabase.Contents?.none))

  init(_ database: MigrationDatabase) { self.database = database }

  var status: SQLConnectionStatus { current.withLock { $0.status } }

  private static let columns = SQLColumns([
    .init(name: "version", typeName: "int4"), .init(name: "name", typeName: "text"),
    .init(name: "checksum", typeName: "text"), .init(name: "applied_at", typeName: "timestamptz"),
  ])

  func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
    try await database.clock.sleep(until: database.clock.now.advanced(by: .milliseconds(1)), tolerance: nil)
    switch statement.text.prefix(while: { $0 != " " }) {
    case "BEGIN": current.withLock { $0 = (.inTransaction, nil) }
    case "COMMIT": end(committing: true)
    case "CREATE": write { $0.hasHistory = true }
    case "INSERT":
      guard case .int(let version) = statement.parameters[0], case .text(let name) = statement.parameters[1],
        case .text(let checksum) = statement.parameters[2]
      else { preconditionFailure("unexpected parameters") }
      write { $0.history.append(.init(version: version, name: name, checksum: checksum)) }
    case "DELETE":
      write { $0.history.removeAll { .int($0.version) == statement.parameters[0] } }
    case "SELECT" where statement.text.contains("pg_advisory_xact_lock"):
      try await lock(until: deadline)
    case "SELECT":
      let contents = current.withLock { $0.draft } ?? database.contents
      guard contents.hasHistory else {
        throw SQLError(.server, sqlState: "42P01", message: "relation \"schema_migrations\" does not exist")
      }
      return SQLResult(
        rows: contents.history.map { row in
          SQLRow(
            columns: Self.columns,
            values: [
              .int(row.version), .text(row.name), .text(row.checksum), .timestamp(.init(microsecondsSinceEpoch: 0)),
            ])
        })
    default: preconditionFailure("unexpected statement: \(statement.text)")
    }
    return SQLResult()
  }

  func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
    preconditionFailure("the migrator sends no batches")
  }

  func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
    try await database.clock.sleep(until: database.clock.now.advanced(by: .milliseconds(5)), tolerance: nil)
    if text.contains("SYNTAX") {
      current.withLock { $0.status = .inFailedTransaction }
      var error = SQLError(.server, sqlState: "42601", message: "syntax error")
      error.position = text.unicodeScalars.count
      throw error
    }
    write { $0.scripts.append(text) }
    if text.contains("COMMIT") { end(committing: true) }
  }

  func close() {
    guard status != .closed else { return }
    end(committing: false)
    current.withLock { $0.status = .closed }
    database.state.withLock { $0.open -= 1 }
  }

  /// As in PostgreSQL, a statement sees what was committed before it began and what its own transaction wrote.
  private func write(_ change: (inout MigrationDatabase.Contents) -> Void) {
    let committed = database.contents
    current.withLock { current in
      var draft = current.draft ?? committed
      change(&draft)
      current.draft = draft
    }
  }

  private func end(committing: Bool) {
    let draft = current.withLock { current in
      current.status = .idle
      return current.draft.take()
    }
    database.state.withLock { state in
      if committing, let draft { state.contents = draft }
      if state.lockHolder == ObjectIdentifier(self) { state.lockHolder = nil }
    }
  }

  private func lock(until deadline: MonotonicInstant) async throws {
    while true {
      let isHeld = database.state.withLock { state in
        if state.lockHolder == nil { state.lockHolder = ObjectIdentifier(self) }
        return state.lockHolder == ObjectIdentifier(self)
      }
      if isHeld { return }
      guard database.clock.now < deadline else { throw SQLError(.deadlineExceeded, message: "still locked") }
      try await database.clock.sleep(until: database.clock.now.advanced(by: .milliseconds(1)), tolerance: nil)
    }
  }
}
