import FoundationEssentials
import HTTPTypes
import NIOCore
import Seams
import ServiceKit

/// The orders service and the inventory, as far as products go, over HTTP.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class ScriptedShop: HTTPTransport, @unchecked Sendable {
  /// The catalogue, by id.
  var catalogue: [UUID]
  /// What the inventory has.
  var stock: [UUID: Int] = [:]
  /// What the next requests about a product, or for a page (`/products`), are answered instead; 0: what is right.
  var refusals: [String: [Int]] = [:]
  /// What happens to the next creations, by product: they take effect, and the connection breaks.
  var lostAnswers: Set<UUID> = []
  /// The requests in their order: `GET orders /products?limit=100`.
  var requests: [String] = []

  init(products: Int) { catalogue = (1...max(1, products)).map(SeedProducts.id).prefix(products).map { $0 } }

  func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    let path = request.head.path ?? ""
    let authority = request.head.authority ?? ""
    requests.append("\(request.head.method.rawValue) \(authority) \(path)")
    guard request.head.headerFields[.authorization] == "Bearer a secret of services" else {
      return Self.problem(401, "unauthenticated")
    }
    let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
    let name = parts[0].hasPrefix("/inventory/") ? String(parts[0].dropFirst(11)) : parts[0]
    if let status = refusals[name]?.first {
      refusals[name]?.removeFirst()
      if status != 0 { return Self.problem(status, "refused") }
    }
    switch (authority, parts[0]) {
    case ("orders", "/products"): return page(parts.count > 1 ? parts[1] : "")
    case ("inventory", "/inventory"): return levels(parts.count > 1 ? parts[1] : "")
    default:
      guard request.head.method == .put, let id = UUID(text: name) else { return Self.problem(404, "not_found") }
      return try create(id, StrictJSON.parse(try await request.body.collect(upTo: 1 << 16)))
    }
  }

  private func page(_ query: String) -> HTTPResponseMessage {
    var rest = catalogue[...]
    if let cursor = query.split(separator: "&").first(where: { $0.hasPrefix("cursor=") })?.dropFirst(7) {
      rest = rest.drop { $0.canonicalText <= cursor }
    }
    let page = rest.prefix(100)
    let items = page.map { #"{"productId":"\#($0.canonicalText)","name":"x","price":1,"currency":"EUR"}"# }
    let next = rest.count > 100 ? page.last.map { "\"\($0.canonicalText)\"" } : nil
    return Self.answer(200, #"{"items":[\#(items.joined(separator: ","))],"nextCursor":\#(next ?? "null")}"#)
  }

  private func levels(_ query: String) -> HTTPResponseMessage {
    let ids = query.dropFirst(4).split(separator: ",").compactMap { UUID(text: $0) }
    let items = ids.filter { stock[$0] != nil }.map { level($0) }
    return Self.answer(200, #"{"items":[\#(items.joined(separator: ","))]}"#)
  }

  private func create(_ id: UUID, _ body: JSONValue) throws -> HTTPResponseMessage {
    guard body["version"]?.integer == 0, let quantity = body["quantity"]?.integer else {
      return Self.problem(400, "validation_failed")
    }
    guard stock[id] == nil else { return Self.problem(409, "version_conflict", #","currentVersion":3"#) }
    stock[id] = quantity
    if lostAnswers.remove(id) != nil { throw HTTPTransportError(.connectionReset, "as the test says") }
    return Self.answer(201, level(id))
  }

  private func level(_ id: UUID) -> String {
    #"{"productId":"\#(id.canonicalText)","quantity":\#(stock[id] ?? 0),"reserved":0,"available":0,"version":1}"#
  }

  private static func problem(_ status: Int, _ code: String, _ members: String = "") -> HTTPResponseMessage {
    answer(
      status, #"{"type":"urn:zoco:problem:\#(code)","status":\#(status),"code":"\#(code)","detail":"so"\#(members)}"#,
      "application/problem+json")
  }

  private static func answer(
    _ status: Int, _ body: String, _ mediaType: String = "application/json"
  ) -> HTTPResponseMessage {
    HTTPResponseMessage(
      head: HTTPResponse(status: .init(code: status), headerFields: [.contentType: mediaType]),
      body: .bytes(ByteBuffer(string: body)))
  }
}
