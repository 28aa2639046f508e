import Seams
import Testing

@testable import Redis

@Suite struct WireTests {
  private func read(_ text: String, pieces size: Int) throws -> [CacheReply] {
    let reader = HiredisReader()
    let bytes = Array(text.utf8)
    var replies: [CacheReply] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      try Array(bytes[start..<min(bytes.count, start + size)]).withUnsafeBytes { try reader.feed($0) }
      while let reply = try reader.next() { replies.append(reply) }
    }
    return replies
  }

  @Test func aCommandIsAnArrayOfCountedStrings() {
    var bytes: [UInt8] = []
    RESPWriter.append(CacheCommand("SET", "k\r\n", [] as [UInt8]), to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n")
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func everyKindOfReplyIsReadInPiecesOfAnySize(_ size: Int) throws {
    let replies = try read(
      "+OK\r\n:-42\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n-WRONGTYPE no\r\n"
        + "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n-ERR in\r\n",
      pieces: size)
    let nested: [CacheReply] = [
      .integer(1), .array([.bytes([120]), .null]), .error(CacheError(server: "ERR in")),
    ]
    #expect(
      replies == [
        .status("OK"), .integer(-42), .bytes(Array("a\r\nbc".utf8)), .bytes([]), .null, .null, .array([]),
        .error(CacheError(server: "WRONGTYPE no")), .array(nested),
      ])
  }

  @Test(arguments: ["HTTP/1.1 400\r\n", ":12x\r\n", "?\r\n"])
  func whatIsNoReplyEndsTheConversation(_ text: String) throws {
    let error = try #require(throws: CacheError.self) { try read(text, pieces: 1000) }
    #expect(error.code == .protocolViolated)
  }

  @Test func aLargeReplyArrives() throws {
    let value = String(repeating: "x", count: 3_000_000)
    #expect(try read("$3000000\r\n\(value)\r\n", pieces: 32 * 1024) == [.bytes(Array(value.utf8))])
  }
}
