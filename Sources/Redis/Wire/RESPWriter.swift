internal import Seams

/// Writes commands as the server reads them: an array of length-prefixed strings (Redis manual, "Redis serialization
/// protocol"), so that no byte of an argument can be taken for anything else.
enum RESPWriter {
  static func append(_ command: CacheCommand, to bytes: inout [UInt8]) {
    appendHead(UInt8(ascii: "*"), command.count, to: &bytes)
    for position in 0..<command.count {
      let argument = command[position]
      appendHead(UInt8(ascii: "$"), argument.count, to: &bytes)
      bytes.append(contentsOf: argument)
      appendLineEnd(to: &bytes)
    }
  }

  private static func appendHead(_ mark: UInt8, _ count: Int, to bytes: inout [UInt8]) {
    bytes.append(mark)
    count.appendCacheBytes(to: &bytes)
    appendLineEnd(to: &bytes)
  }

  private static func appendLineEnd(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\r"))
    bytes.append(UInt8(ascii: "\n"))
  }
}
