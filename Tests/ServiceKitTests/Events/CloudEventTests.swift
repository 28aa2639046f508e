import FoundationEssentials
import NIOCore
import Seams
import ServiceKit
import Testing

@Suite struct CloudEventTests {
  private let event = CloudEvent(
    id: UUID(high: 1, low: 2), source: "urn:zoco:inventory", type: "StockDepleted", subject: "p1",
    time: Timestamp(microsecondsSinceEpoch: 1_767_225_600_250_000), sequence: 42,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", correlationId: UUID(high: 3, low: 4),
    data: .object([JSONMember("quantity", 7), JSONMember("price", .number("1.10"))]))

  @Test func itIsWrittenInStructuredMode() {
    #expect(
      String(buffer: event.encoded)
        == "{\"specversion\":\"1.0\",\"id\":\"00000000-0000-0001-0000-000000000002\",\"source\":\"urn:zoco:inventory\","
        + "\"type\":\"StockDepleted\",\"subject\":\"p1\",\"time\":\"2026-01-01T00:00:00.250Z\","
        + "\"sequence\":\"0000000000000000042\","
        + "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
        + "\"correlationid\":\"00000000-0000-0003-0000-000000000004\",\"datacontenttype\":\"application/json\","
        + "\"data\":{\"quantity\":7,\"price\":1.10}}")
  }

  @Test func whatIsWrittenReadsBack() throws {
    #expect(try CloudEvent(parsing: event.encoded) == event)
    let least = CloudEvent(id: UUID(high: 1, low: 2), source: "a", type: "b")
    #expect(try CloudEvent(parsing: least.encoded) == least)
    var last = event
    last.sequence = .max
    #expect(try CloudEvent(parsing: last.encoded) == last)
  }

  @Test func attributesThatNobodyKnowsAreAllowed() throws {
    let text =
      "{\"specversion\":\"1.0\",\"id\":\"\(event.id)\",\"source\":\"a\",\"type\":\"b\",\"extra\":{},\"subject\":null}"
    #expect(try CloudEvent(parsing: ByteBuffer(string: text)).subject == nil)
  }

  @Test(arguments: [
    ("", "it is not JSON: "), ("{", "it is not JSON: "), ("null", "it is null, not a JSON object"),
    ("{}", "specversion is missing"), ("{\"specversion\":1}", "specversion is an integer, not a string"),
    ("{\"specversion\":\"2.0\"}", "specversion is \"2.0\", not \"1.0\""),
    ("{\"specversion\":\"1.0\",\"id\":\"\"}", "id is empty"),
    ("{\"specversion\":\"1.0\",\"id\":\"7\"}", "id is \"7\", not a UUID"),
  ])
  func whatIsWrongIsNamed(_ text: String, _ expected: String) {
    let error = #expect(throws: MalformedEvent.self) { try CloudEvent(parsing: ByteBuffer(string: text)) }
    #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [
    ("source", "5"), ("type", "[]"), ("time", "\"yesterday\""), ("sequence", "7"), ("sequence", "\"-1\""),
    ("sequence", "\"99999999999999999999\""), ("correlationid", "\"x\""), ("subject", "\"\""),
  ])
  func anAttributeOfAnotherKindIsNamed(_ name: String, _ value: String) {
    var members = ["specversion": "\"1.0\"", "id": "\"\(event.id)\"", "source": "\"a\"", "type": "\"b\""]
    members[name] = value
    let text = "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    let error = #expect(throws: MalformedEvent.self) { try CloudEvent(parsing: ByteBuffer(string: text)) }
    #expect(error?.description.hasPrefix(name + " is ") == true, "\(error?.description ?? "")")
  }
}
