import NIOCore
import Seams
import SimulationKernel
import Testing

@testable import ServiceKit

@Suite struct StrictJSONTests {
  static let validTexts: [(String, JSONValue)] = [
    ("null", .null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .integer(0)), ("-0", .integer(0)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .number("9223372036854775808")), ("1.50", .number("1.50")), ("1e3", .number("1e3")),
    ("-9223372036854775809", .number("-9223372036854775809")),
    ("123456789012345678901234567890", .number("123456789012345678901234567890")),
    ("\"\"", ""), ("\"a\\u00e9\\n\\\"\\/\"", "aé\n\"/"), ("\"\\ud83d\\ude00\"", "😀"), ("\"ü😀\"", "ü😀"),
    ("[]", []), ("[1,[2] , \"x\"]", [1, [2], "x"]), ("{}", .object([])),
    ("{\"b\":1,\"a\":{\"c\":null}}", .object([JSONMember("b", 1), JSONMember("a", .object([JSONMember("c", nil)]))])),
  ]

  @Test(arguments: validTexts)
  func validTextsKeepWhatTheySay(text: String, value: JSONValue) throws {
    #expect(try StrictJSON.parse(text) == value)
  }

  @Test(arguments: [
    ("", 1, 1, "expected a value, found the end of the text"),
    ("{", 1, 2, "expected a member name or '}', found the end of the text"),
    ("{\"a\":1,}", 1, 8, "expected a member name, found '}'"),
    ("{\"a\" 1}", 1, 6, "expected ':' after the member name, found '1'"),
    ("[1 2]", 1, 4, "expected ',' or ']', found '2'"),
    ("[1,]", 1, 4, "expected a value, found ']'"),
    ("{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 3, "duplicate member 'a'"),
    ("{\"a\":1,\"\\u0061\":2}", 1, 8, "duplicate member 'a'"),
    ("1 x", 1, 3, "expected the end of the text, found 'x'"),
    ("nul", 1, 1, "expected a value, found 'n'"), ("NaN", 1, 1, "expected a value, found 'N'"),
    ("01", 1, 1, "a number must not begin with 0"), ("-", 1, 2, "expected a digit, found the end of the text"),
    ("1.", 1, 3, "expected a digit after the decimal point, found the end of the text"),
    ("1e+", 1, 4, "expected a digit in the exponent, found the end of the text"),
    ("+1", 1, 1, "expected a value, found '+'"),
    ("\"a\nb\"", 1, 3, "control character 0x0a in a string must be escaped"),
    ("\"a\\\tb\"", 1, 3, #"unknown escape; known are \" \\ \/ \b \f \n \r \t \uXXXX"#),
    ("\"abc", 1, 5, "expected '\"' at the end of a string, found the end of the text"),
    ("\"\\ud800\"", 1, 2, "lone surrogate in an escape"), ("\"\\udc00\"", 1, 2, "lone surrogate in an escape"),
    ("\"\\ud800\\u0041\"", 1, 2, "lone surrogate in an escape"),
    ("\"\\u12g4\"", 1, 6, "a \\u escape needs four hexadecimal digits"),
    ("'a'", 1, 1, "expected a value, found '''"), ("\u{FEFF}1", 1, 1, "expected a value, found byte 0xef"),
    ("[\"\\", 1, 3, "a string ends in the middle of an escape"),
  ])
  func invalidTextsAreRefusedWithTheirPlace(text: String, line: Int, column: Int, message: String) {
    expectRefusal(Array(text.utf8), line, column, message)
  }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
    ] as [[UInt8]])
  func invalidUTF8IsRefused(bytes: [UInt8]) {
    expectRefusal(bytes, 1, 2, "invalid UTF-8 in a string")
  }

  @Test func nestingIsLimited() throws {
    let allowed = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
    _ = try StrictJSON.parse(allowed)
    expectRefusal(Array(("[" + allowed + "]").utf8), 1, 33, "nested deeper than 32 levels")
    expectRefusal(Array(String(repeating: "{\"a\":", count: 60_000).utf8), 1, 161, "nested deeper than 32 levels")
  }

  @Test func membersAreLimitedSoThatTheyAreComparedInBoundedTime() throws {
    let members = (0..<256).map { "\"m\($0)\":0" }
    _ = try StrictJSON.parse("{" + members.joined(separator: ",") + "}")
    let problem = #expect(throws: Problem.self) {
      try StrictJSON.parse("{" + (members + ["\"x\":0"]).joined(separator: ",") + "}")
    }
    #expect(problem?.code == "malformed_json")
  }

  @Test func randomBytesNeverCrashTheParser() {
    let random = RandomStream(seed: 1, name: "bytes")
    let alphabet = Array("{}[]\",:\\u0123dDeE+-.truefalsn \n\u{1}é".utf8) + [0xFF, 0xC0]
    var accepted = 0
    for round in 0..<20_000 {
      let length = random.integer(in: 0...40)
      let bytes = (0..<length).map { _ in
        round.isMultiple(of: 2)
          ? UInt8(truncatingIfNeeded: random.next()) : alphabet[random.integer(in: 0...alphabet.count - 1)]
      }
      do {
        _ = try StrictJSON.parse(bytes)
        accepted += 1
      } catch {
        #expect(error.code == "malformed_json")
      }
    }
    #expect(accepted > 0 && accepted < 20_000)
  }

  @Test(arguments: 0..<20)
  func whatIsWrittenReadsBackTheSame(seed: UInt64) throws {
    let random = RandomStream(seed: seed, name: "values")
    for _ in 0..<100 {
      let value = randomValue(random, depth: 4)
      var writer = JSONWriter()
      writer.value(value)
      #expect(try StrictJSON.parse(writer.buffer) == value)
    }
  }

  @Test(arguments: 0..<4)
  func everyTruncationIsRefused(seed: UInt64) throws {
    let random = RandomStream(seed: seed, name: "truncation")
    var writer = JSONWriter()
    writer.value(.object([JSONMember("a", randomValue(random, depth: 4)), JSONMember("b", "x\u{1}é")]))
    let bytes = Array(writer.buffer.readableBytesView)
    for length in 0..<bytes.count {
      #expect(throws: Problem.self) { try StrictJSON.parse(Array(bytes[..<length])) }
    }
  }

  private func expectRefusal(_ bytes: [UInt8], _ line: Int, _ column: Int, _ message: String) {
    let problem = #expect(throws: Problem.self) { try StrictJSON.parse(bytes) }
    #expect(problem == .malformedJSON(message, line: line, column: column))
  }

  private func randomValue(_ random: RandomStream, depth: Int) -> JSONValue {
    switch random.integer(in: 0...(depth == 0 ? 4 : 6)) {
    case 0: .null
    case 1: .bool(random.next() & 1 == 0)
    case 2: .integer(Int64(bitPattern: random.next() >> UInt64(random.integer(in: 0...63))))
    case 3: .number("\(random.integer(in: 0...999)).\(random.integer(in: 0...999))e-\(random.integer(in: 0...9))")
    case 4: .string(randomText(random))
    case 5: .array((0..<random.integer(in: 0...4)).map { _ in randomValue(random, depth: depth - 1) })
    default:
      .object(
        (0..<random.integer(in: 0...4)).map {
          JSONMember("\($0)" + randomText(random), randomValue(random, depth: depth - 1))
        })
    }
  }

  private func randomText(_ random: RandomStream) -> String {
    var text = ""
    for _ in 0..<random.integer(in: 0...8) {
      let limits: [UInt32] = [0x7F, 0x7FF, 0xD7FF, 0x10FFFF]
      let limit = limits[random.integer(in: 0...3)]
      if let scalar = Unicode.Scalar(UInt32(random.integer(in: 0...Int(limit)))) { text.unicodeScalars.append(scalar) }
    }
    return text
  }
}
