import Foundation
import RabbitMQ
import Seams
import SeamsLive

/// The RabbitMQ that `./zoco test` started. Tests share its virtual host and keep apart by the prefix of their names.
struct LiveBroker: Sendable {
  let connector: RabbitMQConnector
  let clock = SystemMonotonicClock()
  let prefix: String

  init() throws {
    connector = try RabbitMQConnector(url: LiveBroker.url(), clock: SystemMonotonicClock())
    prefix = "t" + UUID().uuidString.prefix(8).lowercased() + "-"
  }

  static func url(_ variable: String = "ZOCO_TEST_RABBITMQ_URL") throws -> String {
    guard let url = ProcessInfo.processInfo.environment[variable], !url.isEmpty else {
      throw ConformanceFailure(
        "there is no RabbitMQ to test against: \(variable) is not set. Run ./zoco test, which starts one.")
    }
    return url
  }

  /// The broker's port.
  static func port() throws -> Int {
    guard let port = URLComponents(string: try url())?.port else {
      throw ConformanceFailure("ZOCO_TEST_RABBITMQ_URL needs a port")
    }
    return port
  }

  /// Stops the broker and starts it again: every connection breaks, and what is durable stays. It is the broker of all
  /// tests, which do not run at the same time.
  static func restart() async throws {
    guard let program = ProcessInfo.processInfo.environment["ZOCO_RABBITMQ_RESTART"], !program.isEmpty else {
      throw ConformanceFailure("ZOCO_RABBITMQ_RESTART is not set. Run ./zoco test, which sets it.")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let (ends, ended) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = { ended.yield($0.terminationStatus) }
    try process.run()
    let status = await ends.first { _ in true }
    guard status == 0 else { throw ConformanceFailure("the broker was not restarted: \(status ?? -1)") }
  }

  /// The URL of the broker behind `relay`.
  static func url(through relay: Relay) throws -> String {
    var parts = URLComponents(string: try url())
    parts?.port = relay.port
    return parts?.string ?? ""
  }

  /// A deadline that only a hang reaches.
  static func soon() -> MonotonicInstant { SystemMonotonicClock().now.advanced(by: .seconds(30)) }
}
