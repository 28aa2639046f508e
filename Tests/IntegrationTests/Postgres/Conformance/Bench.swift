import Seams
import Testing

/// What a behaviour runs on: the connector of one of the two engines, an empty database, and a clock.
///
/// Behaviours throw what they find wrong instead of recording it, because under the kernel they run outside of any
/// test's task.
struct Bench: Sendable {
  let engine: String
  let connector: any SQLConnector
  let clock: any MonotonicClock
  /// Ends the connection from the server's side, as an administrator's `pg_terminate_backend` does.
  let terminate: @Sendable (any SQLConnection) async throws -> Void

  /// A deadline that only a hang reaches.
  var soon: MonotonicInstant { clock.now.advanced(by: .seconds(30)) }

  func connect() async throws -> any SQLConnection { try await connector.connect(deadline: soon) }

  /// Opens a connection for `body` and closes it.
  func session<R>(_ body: (any SQLConnection) async throws -> R) async throws -> R {
    let connection = try await connect()
    defer { connection.close() }
    return try await body(connection)
  }

  @discardableResult
  func run(_ statement: SQLStatement, _ connection: any SQLConnection) async throws -> SQLResult {
    try await connection.execute(statement, deadline: soon)
  }

  /// The error with which `body` failed.
  func error(
    _ what: String = "the statement", line: Int = #line, _ body: () async throws -> Void
  ) async throws -> SQLError {
    do {
      try await body()
    } catch let error as SQLError {
      return error
    } catch {
      throw ConformanceFailure("\(what) failed with \(type(of: error)) \(error), not an SQLError", line: line)
    }
    throw ConformanceFailure("\(what) succeeded and should have failed", line: line)
  }

  /// The error of one statement.
  func refusal(
    _ statement: SQLStatement, _ connection: any SQLConnection, line: Int = #line
  ) async throws -> SQLError {
    try await error(statement.text, line: line) { try await run(statement, connection) }
  }
}

/// A behaviour that an engine does not have.
struct ConformanceFailure: Error, CustomStringConvertible {
  let description: String

  init(_ message: String, file: String = #fileID, line: Int = #line) {
    description = "\(message) [\(file):\(line)]"
  }
}

/// Throws unless the two are equal.
func expectEqual<Value: Equatable>(
  _ found: Value, _ expected: Value, _ what: String = "", file: String = #fileID, line: Int = #line
) throws {
  guard found != expected else { return }
  let subject = what.isEmpty ? "" : "\(what): "
  throw ConformanceFailure("\(subject)expected \(expected), found \(found)", file: file, line: line)
}

/// Throws unless the condition holds.
func expectTrue(_ condition: Bool, _ what: String, file: String = #fileID, line: Int = #line) throws {
  guard !condition else { return }
  throw ConformanceFailure(what, file: file, line: line)
}

/// Something both engines must do alike.
struct Behaviour: Sendable, CustomTestStringConvertible {
  let name: String
  let run: @Sendable (Bench) async throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (Bench) async throws -> Void) {
    self.name = name
    self.run = run
  }

  var testDescription: String { name }
}
