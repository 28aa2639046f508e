import FoundationEssentials
import Seams
import Testing

@testable import ServiceKit

@Suite struct JSONWriterTests {
  @Test func membersComeInTheCallersOrder() {
    var json = JSONWriter()
    json.object { json in
      json.member("z", 1)
      json.member("a", "x")
      json.member("list", in: [true, false]) { $0.value($1) }
      json.member("object") { $0.member("empty", .null) }
      json.member("none", in: [Int]()) { $0.value($1) }
      json.member("ratio", 0.1)
    }
    #expect(
      json.text
        == #"{"z":1,"a":"x","list":[true,false],"object":{"empty":null},"none":[],"ratio":0.1}"#)
  }

  @Test(arguments: [
    (0, "0"), (-1, "-1"), (Int.max, "9223372036854775807"), (Int.min, "-9223372036854775808"), (10, "10"),
  ])
  func integersAreWrittenInFull(value: Int, text: String) {
    var json = JSONWriter()
    json.value(value)
    #expect(json.text == text)
  }

  @Test func whatMustBeEscapedIs() {
    var json = JSONWriter()
    json.value("a\"b\\c\n\r\t\u{0}\u{1F}é😀/")
    #expect(json.text == #""a\"b\\c\n\r\t\u0000\u001fé😀/""#)
  }

  @Test func idsAndTimesHaveTheirCanonicalForm() {
    var json = JSONWriter()
    json.array([0]) { json, _ in
      json.value(UUID(high: 0x0123_4567_89AB_4DEF, low: 0x8000_0000_0000_00FF))
      json.value(Timestamp(microsecondsSinceEpoch: 250_000))
    }
    #expect(json.text == #"["01234567-89ab-4def-8000-0000000000ff","1970-01-01T00:00:00.250Z"]"#)
  }
}

@Suite struct UUIDTextTests {
  @Test func eitherCaseIsReadAndLowerCaseWritten() {
    let id = UUID(text: "01234567-89AB-4def-8000-0000000000FF")
    #expect(id?.canonicalText == "01234567-89ab-4def-8000-0000000000ff")
  }

  @Test(arguments: [
    "", "0123456789ab4def80000000000000ff", "01234567-89ab-4def-8000-0000000000f",
    "01234567-89ab-4def-8000-0000000000fff",
    "01234567-89ab-4def-8000-0000000000fg", "0123456-789ab-4def-8000-0000000000ff",
    "{01234567-89ab-4def-8000-0000000000ff}",
    "01234567-89ab-4def-8000-0000000000ﬀ", "' OR 1=1 --",
  ])
  func anythingElseIsNoID(text: String) {
    #expect(UUID(text: text) == nil)
  }
}
