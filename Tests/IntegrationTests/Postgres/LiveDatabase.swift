import Foundation
import Logging
import Postgres
import Seams
import SeamsLive

/// A database of its own on the test server, dropped at the end.
struct LiveDatabase: Sendable {
  let name: String
  let connector: PostgresConnector
  let clock = SystemMonotonicClock()

  /// The URL of the server that `./zoco test` started.
  static func serverURL() throws -> String {
    guard let url = ProcessInfo.processInfo.environment["ZOCO_TEST_DATABASE_URL"], !url.isEmpty else {
      throw ConformanceFailure(
        "there is no PostgreSQL to test against: ZOCO_TEST_DATABASE_URL is not set. Run ./zoco test, which starts one.")
    }
    return url
  }

  /// The server's URL with another database, and other options in the place of its own.
  static func url(database: String, host: String? = nil, options: String = "") throws -> String {
    guard var parts = URLComponents(string: try serverURL()) else {
      throw ConformanceFailure("ZOCO_TEST_DATABASE_URL is not a URL")
    }
    parts.path = "/" + database
    parts.query = options.isEmpty ? nil : options
    guard let host, let own = parts.host, let port = parts.port else { return parts.string ?? "" }
    // Several hosts are no URL to Foundation.
    return (parts.string ?? "").replacingOccurrences(of: "\(own):\(port)", with: host)
  }

  /// The address of the server: host and port.
  static func address() throws -> (host: String, port: Int) {
    guard let parts = URLComponents(string: try serverURL()), let host = parts.host, let port = parts.port else {
      throw ConformanceFailure("ZOCO_TEST_DATABASE_URL needs a host and a port")
    }
    return (host, port)
  }

  static func connector(url: String, tune: (inout PostgresConfiguration) -> Void = { _ in }) throws -> PostgresConnector
  {
    var configuration = try PostgresConfiguration(url: url)
    tune(&configuration)
    return PostgresConnector(
      configuration: configuration, clock: SystemMonotonicClock(), logger: Logger(label: "test"))
  }

  /// Runs `body` on a new database.
  static func with<R>(_ body: (LiveDatabase) async throws -> R) async throws -> R {
    let admin = try await connector(url: serverURL()).connect(deadline: soon())
    defer { admin.close() }
    let name = "t_" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "_")
    _ = try await admin.execute(SQLStatement(trusted: "CREATE DATABASE \(name)"), deadline: soon())
    let result: Result<R, any Error>
    do {
      let database = LiveDatabase(name: name, connector: try connector(url: url(database: name)))
      result = .success(try await body(database))
    } catch {
      result = .failure(error)
    }
    _ = try await admin.execute(SQLStatement(trusted: "DROP DATABASE \(name) WITH (FORCE)"), deadline: soon())
    return try result.get()
  }

  /// A deadline that only a hang reaches.
  static func soon() -> MonotonicInstant { SystemMonotonicClock().now.advanced(by: .seconds(30)) }
}
