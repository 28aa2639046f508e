/// The events of a Jepsen-style log, in one of two forms.
///
/// - EDN: a map for each event, one after the other or in a vector. Members that are not known, tags and comments are
///   skipped.
/// - Text: a line for each event, `INFO  jepsen.util - 0 :invoke :write 3`, or without the part before the process. Lines
///   of other loggers are skipped.
///
/// The events of the nemesis are skipped in both. An event's moment is its place in the log.
public struct HistoryLog: Sendable {
  /// How a `:fail` of a compare-and-set is understood.
  public enum FailedCompareAndSet: Sendable {
    /// It did not happen, for whatever reason: what Jepsen means by `:fail`.
    case absent
    /// It happened, and found another value than the expected one: what the etcd tests log, whose published verdicts rest
    /// on it.
    case mismatch
  }

  /// What a `:fail` of a compare-and-set means in logs of this form where nobody says so: `mismatch` in text, `absent` in
  /// EDN.
  public let customaryFailure: FailedCompareAndSet
  let events: [LogEvent]

  /// Reads a log.
  ///
  /// - Throws: ``LogError`` with the place of what is no event.
  public init(_ bytes: [UInt8]) throws(LogError) {
    let first = bytes.first { !($0 <= 32 || $0 == UInt8(ascii: ",")) }
    let isEDN = first.map { "{[(#;".utf8.contains($0) } ?? true
    customaryFailure = isEDN ? .absent : .mismatch
    events = isEDN ? try Self.readEDN(bytes) : try Self.readText(bytes)
  }

  private static func readEDN(_ bytes: [UInt8]) throws(LogError) -> [LogEvent] {
    var reader = EDNReader(bytes)
    var events: [LogEvent] = []
    while let value = try reader.next() {
      for map in value.elements ?? [value] {
        if let event = try LogEvent(map) { events.append(event) }
      }
    }
    return events
  }

  private static func readText(_ bytes: [UInt8]) throws(LogError) -> [LogEvent] {
    var events: [LogEvent] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard let start = firstField(of: line) else { continue }
      let offset = start - line.startIndex
      var reader = EDNReader(Array(line), from: offset, line: number + 1)
      if let event = try LogEvent(fields: &reader) { events.append(event) }
    }
    return events
  }

  /// Where the process stands in a line; `nil` in a line that tells no event.
  private static func firstField(of line: ArraySlice<UInt8>) -> Int? {
    let logger = Array("jepsen.util".utf8)
    let isBlank = { (byte: UInt8) in byte <= 32 }
    guard var index = line.firstIndex(where: { !isBlank($0) }) else { return nil }
    if let found = line.indices.first(where: { line[$0...].starts(with: logger) }) {
      index = found + logger.count
      // A dash between blanks may stand before the process.
      while index < line.endIndex, isBlank(line[index]) || line[index] == UInt8(ascii: "-") { index += 1 }
      return index < line.endIndex ? index : nil
    }
    for level in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] where line[index...].starts(with: level.utf8) {
      return nil
    }
    return index
  }
}
