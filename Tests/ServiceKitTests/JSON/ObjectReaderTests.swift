import FoundationEssentials
import NIOCore
import Seams
import Testing

@testable import ServiceKit

@Suite struct ObjectReaderTests {
  private struct Line: Equatable {
    var productId: UUID
    var quantity: Int
  }

  private func reader(_ text: String) throws -> ObjectReader {
    try ObjectReader(ByteBuffer(string: text))
  }

  private func read(_ text: String) throws -> (orderId: UUID, items: [Line], ttl: Int?) {
    let reader = try reader(text)
    let orderId = reader.uuid("orderId")
    let items = reader.objects("items", count: 1...3) { item in
      Line(productId: item.uuid("productId"), quantity: item.integer("quantity", in: 1...1000))
    }
    let ttl = reader.integerIfPresent("ttlSeconds", in: 1...86_400)
    try reader.finish()
    return (orderId, items, ttl)
  }

  private func errors(_ text: String) -> [String] {
    do {
      _ = try read(text)
      return []
    } catch let problem as Problem {
      return problem.fieldErrors
    } catch {
      return ["\(error)"]
    }
  }

  private let id = "00000000-0000-4000-8000-000000000001"

  @Test func aValidObjectIsRead() throws {
    let request = try read(#"{"orderId":"\#(id)","items":[{"productId":"\#(id)","quantity":1000}],"ttlSeconds":null}"#)
    #expect(request.orderId == UUID(text: id))
    #expect(request.items == [Line(productId: UUID(text: id)!, quantity: 1000)])
    #expect(request.ttl == nil)
  }

  @Test func everyErrorIsListedAtOnceWithItsPath() {
    let text = """
      {"orderId": 7, "ttlSeconds": 0, "itms": [], "items": [
        {"productId": "x", "quantity": 1001},
        {"productId": "\(id)", "quantity": "5", "quantty": 3},
        {}]}
      """
    let uuid = "a UUID such as \"00000000-0000-4000-8000-000000000000\""
    #expect(
      errors(text) == [
        "orderId: expected \(uuid), found 7",
        "items[0].productId: expected \(uuid), found the string \"x\"",
        "items[0].quantity: expected an integer from 1 to 1000, found 1001",
        "items[1].quantity: expected an integer from 1 to 1000, found the string \"5\"",
        "items[1].quantty: unknown member 'quantty'; did you mean 'quantity'?",
        "items[2].productId: missing; expected \(uuid)",
        "items[2].quantity: missing; expected an integer from 1 to 1000",
        "ttlSeconds: expected an integer from 1 to 86400, found 0",
        "itms: unknown member 'itms'; did you mean 'items'?",
      ])
  }

  @Test(arguments: [
    ("0", "0"), ("-1", "-1"), ("1001", "1001"), ("1.0", "1.0"), ("1e2", "1e2"),
    ("99999999999999999999", "99999999999999999999"), ("true", "true"), ("null", "null"), ("[1]", "an array"),
    ("{}", "an object"),
  ])
  func whatIsNoIntegerInRangeIsNamed(value: String, found: String) {
    let text = #"{"orderId":"\#(id)","items":[{"productId":"\#(id)","quantity":\#(value)}]}"#
    #expect(errors(text) == ["items[0].quantity: expected an integer from 1 to 1000, found \(found)"])
  }

  @Test(arguments: [("[]", "0"), (#"[{},{},{},{}]"#, "4")])
  func theNumberOfElementsIsLimited(items: String, found: String) {
    #expect(
      errors(#"{"orderId":"\#(id)","items":\#(items)}"#)
        == ["items: expected an array of 1 to 3 objects, found \(found)"])
  }

  @Test func elementsThatAreNoObjectsAreNamed() {
    #expect(
      errors(#"{"orderId":"\#(id)","items":[1, null]}"#)
        == ["items[0]: expected an object, found an integer", "items[1]: expected an object, found null"])
  }

  @Test(arguments: [("", "no body"), ("[]", "an array"), ("7", "an integer"), ("null", "null")])
  func aBodyThatIsNoObjectIsRefused(text: String, found: String) {
    let problem = #expect(throws: Problem.self) { try reader(text) }
    #expect(problem?.fieldErrors == [": expected a JSON object, found \(found)"])
  }

  @Test func unknownMembersWithoutANeighbourAreJustNamed() throws {
    let reader = try reader(#"{"completelyDifferent": 1}"#)
    _ = reader.stringIfPresent("reason", length: 0...10)
    let problem = #expect(throws: Problem.self) { try reader.finish() }
    #expect(problem?.fieldErrors == ["completelyDifferent: unknown member 'completelyDifferent'"])
  }

  @Test func stringsAreMeasuredInCharactersAndHoldNoNull() throws {
    let reader = try reader(#"{"a": "ééé", "b": "éééé", "c": "x\u0000", "d": "confirmed", "e": 1}"#)
    #expect(reader.string("a", length: 1...3) == "ééé")
    _ = reader.string("b", length: 1...3)
    _ = reader.string("c", length: 1...3)
    _ = reader.choice("d", of: ["pending", "released"])
    _ = reader.bool("e")
    reader.fail("a", "is of another kind")
    let problem = #expect(throws: Problem.self) { try reader.finish() }
    #expect(
      problem?.fieldErrors == [
        "b: expected a string of 1 to 3 characters, found the string \"éééé\"",
        "c: must not contain the character U+0000",
        "d: expected one of \"pending\", \"released\", found the string \"confirmed\"",
        "e: expected true or false, found 1", "a: is of another kind",
      ])
  }

  @Test func askingForAMemberMakesItKnown() throws {
    let reader = try reader(#"{"productId": 1}"#)
    #expect(reader.has("productId"))
    #expect(!reader.has("items"))
    try reader.finish()
  }

  @Test func anAnswerMaySayMoreThanItsReaderKnows() throws {
    let value = try StrictJSON.parse(#"{"a":1,"b":2,"list":[{"c":3,"d":4}]}"#)
    let reader = try ObjectReader(value, ignoringUnknown: true)
    #expect(reader.integer("a", in: 0...9) == 1)
    #expect(reader.objects("list", count: 1...1) { $0.integer("c", in: 0...9) } == [3])
    try reader.finish()
  }

  @Test func listsOfIdsAndTimesAreRead() throws {
    let reader = try reader(#"{"ids":["\#(id)"],"at":"2026-01-31T09:05:00.25Z"}"#)
    #expect(reader.uuids("ids", count: 1...2) == [UUID(text: id)])
    #expect(reader.timestamp("at") == Timestamp("2026-01-31T09:05:00.250Z"))
    try reader.finish()
  }

  @Test(arguments: [
    (#"{"ids":[],"at":"x"}"#, ["ids", "at"]), (#"{"ids":["x"],"at":7}"#, ["ids", "at"]), ("{}", ["ids", "at"]),
    (#"{"ids":[1],"at":null}"#, ["ids", "at"]),
  ])
  func aWrongListOrTimeIsNamed(text: String, fields: [String]) throws {
    let reader = try reader(text)
    _ = reader.uuids("ids", count: 1...2)
    _ = reader.timestamp("at")
    let problem = #expect(throws: Problem.self) { try reader.finish() }
    #expect(problem?.fieldErrors.map { $0.prefix { $0 != ":" } } == fields.map { $0[...] })
  }
}

extension Problem {
  /// The `errors` member, a line each.
  var fieldErrors: [String] {
    let errors = members.first { $0.name == "errors" }?.value.array ?? []
    return errors.map { "\($0["field"]?.string ?? "?"): \($0["message"]?.string ?? "?")" }
  }
}
