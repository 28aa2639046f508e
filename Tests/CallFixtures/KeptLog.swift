package import Logging
import Synchronization

/// Keeps what is logged.
package final class KeptLog: Sendable {
  /// One event.
  package struct Line: Sendable {
    package var level: String
    package var message: String
    package var metadata: [String: String]
  }

  private let kept = Mutex<[Line]>([])

  /// A log without lines.
  package init() {}

  /// What was logged, in its order.
  package var lines: [Line] { kept.withLock { $0 } }

  /// A logger into this log.
  package var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  private struct Handler: LogHandler {
    let log: KeptLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let line = Line(
        level: event.level.rawValue, message: event.message.description,
        metadata: (event.metadata ?? [:]).mapValues(\.description))
      log.kept.withLock { $0.append(line) }
    }
  }
}
