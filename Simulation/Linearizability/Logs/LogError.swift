/// Where something stands in a log; both count from 1.
public struct LogPosition: Sendable, Hashable, CustomStringConvertible {
  public var line: Int
  /// In bytes.
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  public var description: String { "line \(line), column \(column)" }
}

/// Why a log is no history of a model.
public struct LogError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where it shows.
  public let position: LogPosition
  /// What is wrong.
  public let message: String

  init(_ position: LogPosition, _ message: String) {
    self.position = position
    self.message = message
  }

  public var description: String { "\(position): \(message)" }
}
