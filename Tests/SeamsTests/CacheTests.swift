import Seams
import Testing

@Suite struct CacheTests {
  private func arguments(_ command: CacheCommand) -> [String] {
    (0..<command.count).map { String(decoding: command[$0], as: UTF8.self) }
  }

  @Test func argumentsStayApartWhateverTheyHold() {
    let command = CacheCommand("SET", "a b\r\n$1", [0, 255, 10] as [UInt8], 7)
    #expect(command.count == 4)
    #expect(Array(command[1]) == Array("a b\r\n$1".utf8))
    #expect(Array(command[2]) == [0, 255, 10])
    #expect(CacheCommand(raw: (0..<4).map { Array(command[$0]) }) == command)
    #expect(command.description == "SET with 3 arguments")
  }

  @Test(arguments: [Int64.min, -1, 0, 9, 10, .max])
  func numbersAreWrittenInDecimal(_ value: Int64) {
    #expect(arguments(CacheCommand("X", value)) == ["X", String(value)])
  }

  @Test func aSetSaysWhatWasAskedFor() {
    #expect(arguments(.set("k", "v")) == ["SET", "k", "v"])
    #expect(
      arguments(.set("k", "v", expiry: .after(.seconds(2)), condition: .ifAbsent, returningOld: true))
        == ["SET", "k", "v", "NX", "GET", "PX", "2000"])
    let instant = Timestamp(microsecondsSinceEpoch: 1_000_000)
    #expect(
      arguments(.set("k", "v", expiry: .at(instant), condition: .ifPresent)) == ["SET", "k", "v", "XX", "PXAT", "1000"])
    #expect(arguments(.set("k", "v", expiry: .unchanged)) == ["SET", "k", "v", "KEEPTTL"])
  }

  @Test(arguments: [
    (Duration.zero, "1"), (.nanoseconds(1), "1"), (.milliseconds(1), "1"), (.microseconds(1001), "2"),
    (.seconds(-5), "1"), (.seconds(3), "3000"),
  ])
  func aLifetimeIsRoundedUpToMilliseconds(_ duration: Duration, _ expected: String) {
    #expect(arguments(.expire("k", after: duration)).last == expected)
  }

  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    (String(repeating: "a", count: 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
  ])
  func aScriptIsNamedByItsSHA1(_ source: String, _ digest: String) {
    // The examples of FIPS 180.
    #expect(CacheScript(name: "x", keyCount: 0, source: source) { _ in .null }.digest == digest)
  }

  @Test func paddingHoldsAtEveryLength() {
    let digests = (0...130).map { length in
      CacheScript(name: "x", keyCount: 0, source: String(repeating: "a", count: length)) { _ in .null }.digest
    }
    #expect(Set(digests).count == 131)
    #expect(digests.allSatisfy { $0.utf8.count == 40 })
  }

  @Test func aServersErrorKeepsItsPrefix() {
    let error = CacheError(server: "WRONGTYPE Operation against a key holding the wrong kind of value")
    #expect(error.prefix == "WRONGTYPE" && error.code == .server && error.disposition == .permanent)
    #expect(CacheError(server: "LOADING Redis is loading the dataset in memory").disposition == .retryable)
    #expect(CacheError(server: "READONLY You can't write against a read only replica.").isWrongServer)
    #expect(CacheError(server: "something odd").prefix == nil)
  }

  @Test func whatMayHaveHappenedIsAmbiguousWhateverTheCode() {
    for code in [CacheError.Code.connectionLost, .deadlineExceeded, .connectionClosed] {
      #expect(CacheError(code, message: "").disposition == .retryable)
      #expect(CacheError(code, message: "", mayHaveTakenEffect: true).disposition == .ambiguous)
    }
    for code in [CacheError.Code.misconfigured, .refused, .unexpectedReply] {
      #expect(CacheError(code, message: "").disposition == .permanent)
    }
  }

  @Test func aReplyOfAnotherKindIsNamed() {
    #expect(throws: CacheError.self) { try CacheReply.integer(1).bytes }
    let error = #expect(throws: CacheError.self) { try CacheReply.null.integer }
    #expect(error?.message == "expected an integer, found null")
    let server = #expect(throws: CacheError.self) { try CacheReply.error(CacheError(server: "ERR no")).array }
    #expect(server?.prefix == "ERR")
  }
}
