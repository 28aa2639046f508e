import FoundationEssentials
import Seams
import Testing

@testable import Postgres

@Suite("Values to and from PostgreSQL's text form")
struct ValueTests {
  private func text(_ value: SQLValue) -> String {
    var bytes: [UInt8] = []
    ParameterBuffer.append(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func decode(_ text: String, oid: UInt32) -> SQLValue {
    Array(text.utf8).withUnsafeBufferPointer { ValueDecoder(oid: oid).decode($0) }
  }

  @Test(arguments: [Int64.min, -1, 0, 1, 9, 10, Int64.max])
  func integersAtTheirEdges(_ value: Int64) {
    #expect(text(.int(value)) == String(value))
    #expect(decode(String(value), oid: 20) == .int(value))
  }

  @Test func anIntegerTooLargeStaysText() {
    #expect(decode("9223372036854775808", oid: 20) == .text("9223372036854775808"))
    #expect(decode("-9223372036854775809", oid: 20) == .text("-9223372036854775809"))
  }

  @Test(arguments: [0.1, -0.0, 1e300, Double.leastNonzeroMagnitude, .infinity, -.infinity])
  func doublesKeepEveryBit(_ value: Double) {
    guard case .double(let back) = decode(text(.double(value)), oid: 701) else {
      Issue.record("\(value) did not come back as a double")
      return
    }
    #expect(back.bitPattern == value.bitPattern)
  }

  @Test func uuids() throws {
    let value = try #require(UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF"))
    #expect(text(.uuid(value)) == "00112233-4455-6677-8899-aabbccddeeff")
    #expect(decode("00112233-4455-6677-8899-aabbccddeeff", oid: 2950) == .uuid(value))
    #expect(decode("00112233-4455-6677-8899-aabbccddeefg", oid: 2950) == .text("00112233-4455-6677-8899-aabbccddeefg"))
  }

  @Test func bytesAreHex() {
    #expect(text(.bytes([0, 255, 16])) == "\\x00ff10")
    #expect(decode("\\x00ff10", oid: 17) == .bytes([0, 255, 16]))
    #expect(decode("\\x", oid: 17) == .bytes([]))
    #expect(decode("\\x0", oid: 17) == .text("\\x0"))
  }

  @Test func timestamps() {
    let instant = Timestamp(microsecondsSinceEpoch: 1_767_225_600_250_001)
    #expect(decode("2026-01-01 00:00:00.250001+00", oid: 1184) == .timestamp(instant))
    #expect(decode("infinity", oid: 1184) == .text("infinity"))
  }

  @Test func arraysQuoteWhatNeedsIt() {
    let value = SQLValue.array([.text("a,b"), .text("\"q\""), .text("back\\slash"), .text("NULL"), .null, .text("")])
    #expect(text(value) == #"{"a,b","\"q\"","back\\slash","NULL",NULL,""}"#)
    #expect(decode(text(value), oid: 1009) == value)
  }

  @Test(arguments: [
    ("{}", SQLValue.array([])), ("{1,NULL,-3}", .array([.int(1), .null, .int(-3)])),
    ("{{1,2},{3,4}}", .text("{{1,2},{3,4}}")), ("[2:3]={1,2}", .text("[2:3]={1,2}")), ("{1,}", .text("{1,}")),
    ("{\"1}", .text("{\"1}")), ("{", .text("{")),
  ])
  func arraysOfIntegers(_ text: String, _ value: SQLValue) {
    #expect(decode(text, oid: 1007) == value)
  }

  @Test func aNULCharacterIsFound() {
    #expect(ParameterBuffer.hasNUL(.text("a\0b")))
    #expect(ParameterBuffer.hasNUL(.array([.text("a"), .text("\0")])))
    #expect(!ParameterBuffer.hasNUL(.text("'; DROP TABLE t; --")))
    #expect(!ParameterBuffer.hasNUL(.bytes([0])))
  }

  @Test func typesAreNamed() {
    #expect(PostgresType.name(ofOID: 23) == "int4")
    #expect(PostgresType.name(ofOID: 2951) == "uuid[]")
    #expect(PostgresType.name(ofOID: 99_999) == "oid 99999")
  }
}
