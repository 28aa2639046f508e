/// An invocation or its end, as a Jepsen log tells it.
struct LogEvent: Sendable {
  enum Kind: String, Sendable {
    case invoke, ok, fail, info
  }

  var position: LogPosition
  var process: Int
  var kind: Kind
  var function: String
  var functionPosition: LogPosition
  var key: EDNValue?
  var value: EDNValue

  /// The event that a map tells: `{:process 0, :type :invoke, :f :write, :value 3}`; `nil` for one of the nemesis.
  init?(_ map: EDNValue) throws(LogError) {
    guard case .map = map.content else {
      throw LogError(map.position, "an event is a map: {:process 0, :type :invoke, :f :read, :value nil}")
    }
    guard let process = map["process"] else { throw LogError(map.position, "this event has no :process") }
    // Nemeses and the log itself are named, clients are numbered.
    guard case .integer(let number) = process.content else {
      guard case .keyword = process.content else {
        throw LogError(process.position, "a :process is a number, or a keyword for the nemesis")
      }
      return nil
    }
    guard let type = map["type"] else { throw LogError(map.position, "this event has no :type") }
    guard let function = map["f"] else { throw LogError(map.position, "this event has no :f") }
    try self.init(
      position: map.position, process: number, type: type, function: function, key: map["key"],
      value: map["value"] ?? EDNValue(content: .none, position: map.position))
  }

  /// The event of a line `INFO  jepsen.util - 0 :invoke :write 3`, from a reader that stands after the logger's name;
  /// `nil` for one of the nemesis.
  init?(fields reader: inout EDNReader) throws(LogError) {
    let start = reader.position
    guard let process = try reader.next() else { throw LogError(start, "a process is missing") }
    guard case .integer(let number) = process.content else {
      guard case .keyword = process.content else {
        throw LogError(process.position, "a line begins with the number of a process")
      }
      return nil
    }
    guard let type = try reader.next() else { throw LogError(reader.position, "the type is missing, as in :invoke") }
    guard let function = try reader.next() else {
      throw LogError(reader.position, "the function is missing, as in :read")
    }
    let value = try reader.next() ?? EDNValue(content: .none, position: reader.position)
    try self.init(
      position: process.position, process: number, type: type, function: function, key: nil, value: value)
  }

  private init(
    position: LogPosition, process: Int, type: EDNValue, function: EDNValue, key: EDNValue?, value: EDNValue
  ) throws(LogError) {
    guard let name = type.keyword, let kind = Kind(rawValue: name) else {
      throw LogError(type.position, "the type \(type.written) is none of :invoke, :ok, :fail and :info")
    }
    guard let functionName = function.keyword else {
      throw LogError(function.position, "the function \(function.written) is no keyword")
    }
    self.position = position
    self.process = process
    self.kind = kind
    self.function = functionName
    functionPosition = function.position
    self.key = key
    self.value = value
  }
}
