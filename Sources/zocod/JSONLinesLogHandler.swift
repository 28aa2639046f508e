import FoundationEssentials
import Logging
import NIOCore
import Seams
import ServiceKit

/// Writes each log event as one line of JSON to standard error:
/// `{"time":"2026-01-31T09:05:00.250Z","level":"info","logger":"inventory","message":"…","metadata":{…}}`. Metadata that is
/// an `Int` or a `Double` is a number, all other is text.
struct JSONLinesLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  var logLevel: Logger.Level
  private let label: String
  private let wallClock: any WallClock

  init(label: String, level: Logger.Level, wallClock: any WallClock) {
    self.label = label
    self.wallClock = wallClock
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var merged = metadata
    if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
    if let given = event.metadata { merged.merge(given) { $1 } }
    if let error = event.error { merged["error"] = "\(error)" }
    var json = JSONWriter()
    json.object { json in
      json.member("time", wallClock.now)
      json.member("level", event.level.rawValue)
      json.member("logger", label)
      json.member("message", event.message.description)
      guard !merged.isEmpty else { return }
      json.member("metadata") { json in
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
          json.name(dynamic: key)
          Self.write(value, to: &json)
        }
      }
    }
    var line = json.buffer
    line.writeString("\n")
    StandardError.write(line)
  }

  /// Writes numbers as numbers and everything else as text.
  private static func write(_ value: Logger.Metadata.Value, to json: inout JSONWriter) {
    guard case .stringConvertible(let value) = value else { return json.value(value.description) }
    switch value {
    case let number as Int: json.value(number)
    case let number as Double where number.isFinite: json.value(number)
    default: json.value(value.description)
    }
  }
}
