import FoundationEssentials
import HTTPTypes
import Inventory
import NIOCore
import Seams
import ServiceKit

/// A request that the service must refuse.
struct BadInput: Sendable {
  var name: String
  var method = HTTPRequest.Method.post
  var path = "/inventory/reserve"
  var body = HTTPBody.empty
  var mediaType: String? = "application/json"
  /// Status and code.
  var outcome = "400 validation_failed"
  /// The fields that the problem names.
  var fields: [String] = []

  static let all = bodies + sizes + values + sql + paths

  private static let product = InventorySeeder.productId(1).canonicalText
  private static let order = "7f1f6f0e-3f0c-4b53-9c1c-0a8f6f3b2a11"
  private static let drop = "'; DROP TABLE inventory_items; --"
  private static let valid = "{\"orderId\": \"\(order)\", \"productId\": \"\(product)\", \"quantity\": 1}"

  private static func text(_ text: String) -> HTTPBody { .bytes(ByteBuffer(string: text)) }

  private static func reserve(order: String = order, product: String = product, quantity: String = "1") -> HTTPBody {
    text("{\"orderId\": \"\(order)\", \"productId\": \"\(product)\", \"quantity\": \(quantity)}")
  }

  private static let nilUUID = "00000000-0000-0000-0000-000000000000"

  private static func items(_ products: String...) -> HTTPBody {
    let lines = products.map { "{\"productId\": \"\($0)\", \"quantity\": 1}" }
    return text("{\"orderId\": \"\(order)\", \"items\": [\(lines.joined(separator: ", "))]}")
  }

  private static let bodies = [
    BadInput(name: "a body that breaks off", body: text("{\"orderId\": "), outcome: "400 malformed_json"),
    BadInput(name: "two documents", body: text(valid + valid), outcome: "400 malformed_json"),
    BadInput(
      name: "bytes that are no UTF-8", body: .bytes(ByteBuffer(bytes: [0x7B, 0x22, 0xC3, 0x28, 0x22, 0x3A, 0x31])),
      outcome: "400 malformed_json"),
    BadInput(
      name: "brackets without end", body: text(String(repeating: "[", count: 60_000)), outcome: "400 malformed_json"),
    BadInput(name: "no body", fields: [""]),
    BadInput(
      name: "another media type", body: text(valid), mediaType: "text/plain", outcome: "415 unsupported_media_type"),
    BadInput(name: "no media type", body: text(valid), mediaType: nil, outcome: "415 unsupported_media_type"),
  ]

  private static let sizes = [
    BadInput(
      name: "a byte more than 64 KiB", body: text(padded(to: 65_537)), outcome: "413 payload_too_large"),
    BadInput(
      name: "a stream of more than 64 KiB", body: .stream(HTTPBodyStream(CountingParts(count: 66))),
      outcome: "413 payload_too_large"),
  ]

  private static let values = [
    BadInput(
      name: "unknown members", body: text("{\"priority\": 1, " + valid.dropFirst()), fields: ["priority"]),
    BadInput(
      name: "wrong types", body: text("{\"orderId\": 7, \"productId\": null, \"quantity\": \"1\"}"),
      fields: ["orderId", "productId", "quantity"]),
    BadInput(
      name: "ids that are no UUIDs", body: reserve(order: "1", product: product + "0"),
      fields: ["orderId", "productId"]),
    BadInput(name: "no unit", body: reserve(quantity: "0"), fields: ["quantity"]),
    BadInput(name: "fewer than none", body: reserve(quantity: "-1"), fields: ["quantity"]),
    BadInput(name: "too many units", body: reserve(quantity: "1001"), fields: ["quantity"]),
    BadInput(name: "more than 64 bits", body: reserve(quantity: "99999999999999999999"), fields: ["quantity"]),
    BadInput(name: "half a unit", body: reserve(quantity: "0.5"), fields: ["quantity"]),
    BadInput(
      name: "one product twice", body: items("\(product)", "\(product)"), fields: ["items[1].productId"]),
    BadInput(
      name: "the nil UUID twice", body: items(nilUUID, nilUUID), fields: ["items[1].productId"]),
    BadInput(
      name: "two ids that are no UUIDs", body: items("1", "1"), fields: ["items[0].productId", "items[1].productId"]),
    BadInput(name: "no lines", body: items(), fields: ["items"]),
    BadInput(
      name: "more stock than a row holds", method: .put, path: "/inventory/\(product)",
      body: text("{\"quantity\": 2147483648, \"version\": 1}"), fields: ["quantity"]),
  ]

  private static let sql = [
    BadInput(name: "SQL as an order id", body: reserve(order: drop), fields: ["orderId"]),
    BadInput(name: "SQL as a product id", body: reserve(product: drop), fields: ["productId"]),
    BadInput(
      name: "SQL behind an id", body: reserve(product: product + drop), fields: ["productId"]),
    BadInput(
      name: "SQL as a reason", path: "/inventory/release",
      body: text("{\"orderId\": \"\(order)\", \"reason\": \"\(drop)\"}"), fields: ["reason"]),
    BadInput(
      name: "SQL in the path", method: .get, path: "/inventory/\(product)'%3B%20DROP%20TABLE%20inventory_items%3B%20--",
      fields: ["productId"]),
    BadInput(
      name: "SQL in the query", method: .get, path: "/inventory?ids=\(product),'%29%3B%20DROP%20TABLE%20outbox%3B%20--",
      fields: ["ids[1]"]),
  ]

  private static let paths = [
    BadInput(name: "a path that is not there", method: .get, path: "/nothing", outcome: "404 route_not_found"),
    BadInput(name: "a method that is not there", method: .delete, outcome: "405 method_not_allowed"),
  ]

  /// A valid request of `size` bytes.
  static func padded(to size: Int) -> String { valid + String(repeating: " ", count: size - valid.utf8.count) }
}
