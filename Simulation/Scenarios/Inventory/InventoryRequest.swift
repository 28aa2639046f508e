package import Checkers
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
package import Seams
internal import ServiceKit

/// Writes a client's operation as the HTTP request of CONTRACT, "Inventory".
package enum InventoryRequest {
  private static let timeoutField = HTTPField.Name("X-Request-Timeout-Ms")
  private static let keyField = HTTPField.Name("Idempotency-Key")
  fileprivate static let cacheField = HTTPField.Name("X-Cache")

  /// The request for `operation`, to the service at `authority`, which may take `timeout` to answer it.
  package static func message(
    _ operation: ClientRecord.Operation, authority: String, timeout: Duration, ttlSeconds: Int? = nil
  ) -> HTTPRequestMessage {
    let (method, path, body) = parts(of: operation, ttlSeconds)
    var head = HTTPRequest(method: method, scheme: "http", authority: authority, path: path)
    if let timeoutField {
      head.headerFields[timeoutField] = String(timeout.nanosecondsClamped / 1_000_000)
    }
    if case .replenish(_, _, let key) = operation, let keyField { head.headerFields[keyField] = key }
    guard let body else { return HTTPRequestMessage(head: head) }
    head.headerFields[.contentType] = "application/json"
    return HTTPRequestMessage(head: head, body: .bytes(ByteBuffer(string: body)))
  }

  private static func parts(
    of operation: ClientRecord.Operation, _ ttlSeconds: Int?
  ) -> (method: HTTPRequest.Method, path: String, body: String?) {
    switch operation {
    case .reserve(let orderId, let lines):
      let items = lines.map { "{\"productId\":\"\($0.productId.canonicalText)\",\"quantity\":\($0.quantity)}" }
      let life = ttlSeconds.map { ",\"ttlSeconds\":\($0)" } ?? ""
      return (
        .post, "/inventory/reserve",
        "{\"orderId\":\"\(orderId.canonicalText)\",\"items\":[\(items.joined(separator: ","))]\(life)}"
      )
    case .confirm(let id): return (.post, "/inventory/confirm/\(id.canonicalText)", nil)
    case .release(let id): return (.post, "/inventory/release/\(id.canonicalText)", "{\"reason\":\"cancelled\"}")
    case .releaseOrder(let orderId):
      return (
        .post, "/inventory/release", "{\"orderId\":\"\(orderId.canonicalText)\",\"reason\":\"timeout\"}"
      )
    case .put(let id, let quantity, let version):
      return (.put, "/inventory/\(id.canonicalText)", "{\"quantity\":\(quantity),\"version\":\(version)}")
    case .replenish(let id, let quantity, _):
      return (.post, "/inventory/\(id.canonicalText)/replenish", "{\"quantity\":\(quantity)}")
    case .readItem(let id): return (.get, "/inventory/\(id.canonicalText)", nil)
    case .readItems(let ids):
      return (.get, "/inventory?ids=\(ids.map(\.canonicalText).joined(separator: ","))", nil)
    case .readReservation(let id): return (.get, "/inventory/reservations/\(id.canonicalText)", nil)
    case .readAggregate(.lowStock(let threshold, let limit)):
      return (.get, "/inventory/low-stock?threshold=\(threshold)&limit=\(limit)", nil)
    case .readAggregate(.mostReserved(let limit)): return (.get, "/inventory/most-reserved?limit=\(limit)", nil)
    case .readAggregate(.stats): return (.get, "/inventory/stats", nil)
    case .expire: return (.post, "/admin/reservations/expire", nil)
    }
  }
}

/// Reads an HTTP answer as far as the checkers look into it.
enum InventoryAnswer {
  /// What `response` says to `operation`.
  ///
  /// - Returns: `nil` when it is not what the service writes: a damaged answer tells nothing.
  static func read(
    _ response: HTTPResponseMessage, to operation: ClientRecord.Operation
  ) async throws -> ClientRecord.Answer? {
    let body = try await response.body.collect(upTo: 1 << 20)
    guard let json = try? StrictJSON.parse(body) else { return nil }
    let status = Int(response.head.status.code)
    var answer = ClientRecord.Answer(status: status)
    if status >= 400 {
      // A status that its own body denies was damaged on the way.
      guard json["status"]?.integer == status, let code = json["code"]?.string else { return nil }
      answer.code = code
      answer.currentVersion = json["currentVersion"]?.integer
      answer.shortages = (json["shortages"]?.array ?? []).compactMap(shortage)
      answer.unknownProducts = (json["productIds"]?.array ?? []).compactMap(id)
      answer.reserved = json["reserved"]?.integer
      answer.reservationStatus = json["reservationStatus"]?.string
      return answer
    }
    answer.reservationId = id(json["reservationId"])
    answer.orderId = id(json["orderId"])
    if answer.reservationId != nil { answer.reservationStatus = json["status"]?.string }
    answer.item = item(json)
    if let field = InventoryRequest.cacheField { answer.isFromCache = response.head.headerFields[field] == "hit" }
    switch operation {
    case .readAggregate(.stats): answer.stats = stats(json)
    case .readAggregate, .readItems:
      let items = json["items"]?.array?.map(item)
      if let items, !items.contains(nil) { answer.items = items.compactMap { $0 } }
    case .expire:
      answer.expired = json["expired"]?.integer
      answer.unitsReturned = json["unitsReturned"]?.integer
    default: break
    }
    return answer
  }

  /// A product's stock; `nil` when a member is missing or they contradict each other.
  private static func item(_ json: JSONValue) -> ItemRow? {
    guard let product = id(json["productId"]), let quantity = json["quantity"]?.integer,
      let reserved = json["reserved"]?.integer, let version = json["version"]?.integer,
      json["available"]?.integer == quantity - reserved
    else { return nil }
    return ItemRow(productId: product, quantity: quantity, reserved: reserved, version: version)
  }

  private static func stats(_ json: JSONValue) -> ClientRecord.Stats? {
    guard let products = json["products"]?.integer, let quantity = json["quantity"]?.integer,
      let reserved = json["reserved"]?.integer, let available = json["available"]?.integer,
      let soldOut = json["soldOut"]?.integer, let pending = json["pendingReservations"]?.integer
    else { return nil }
    return ClientRecord.Stats(
      products: products, quantity: quantity, reserved: reserved, available: available, soldOut: soldOut,
      pendingReservations: pending)
  }

  private static func shortage(_ json: JSONValue) -> ClientRecord.Shortage? {
    guard let product = id(json["productId"]), let requested = json["requested"]?.integer,
      let available = json["available"]?.integer
    else { return nil }
    return ClientRecord.Shortage(productId: product, requested: requested, available: available)
  }

  private static func id(_ json: JSONValue?) -> UUID? {
    json?.string.flatMap { UUID(text: $0) }
  }
}
