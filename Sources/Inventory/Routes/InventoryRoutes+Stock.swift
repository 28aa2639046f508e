import FoundationEssentials
import HTTPTypes
import Hummingbird
import ServiceKit

extension InventoryRoutes {
  func addStockRoutes(to router: Router<ServiceContext>) {
    router.get("/inventory") { request, context in try await items(request, context) }
    router.get("/inventory/:productId") { _, context in try await item(context) }
    router.put("/inventory/:productId") { _, context in try await setQuantity(context) }
    router.post("/inventory/:productId/replenish") { request, context in try await replenish(request, context) }
  }

  private func item(_ context: ServiceContext) async throws -> Response {
    let id = try context.uuidParameter("productId")
    let found = try await reader.items([id], deadline: context.deadline)
    guard let item = found.value.first else { throw Problem.productNotFound([id]) }
    return Self.response(item, headers: Self.cacheHeader(found.isHit))
  }

  private func items(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let query = QueryReader(request)
    let ids = query.uuids("ids", count: InventoryLimits.idsPerRead)
    try query.finish()
    let found = try await reader.items(ids, deadline: context.deadline)
    return .json(headers: Self.cacheHeader(found.isHit)) { json in
      json.member("items", in: found.value) { $0.stockItem($1) }
    }
  }

  /// `X-Cache`: `hit` when all of an answer came from the cache.
  static func cacheHeader(_ isHit: Bool) -> HTTPFields { [.xCache: isHit ? "hit" : "miss"] }

  private func setQuantity(_ context: ServiceContext) async throws -> Response {
    let reader = try ObjectReader(context.body)
    let id = reader.pathUUID("productId", context)
    let quantity = reader.integer("quantity", in: InventoryLimits.stockQuantity)
    let version = reader.integer("version", in: 0...Int.max)
    try reader.finish()
    let outcome =
      version == 0
      ? try await database.create(
        id, quantity: quantity, correlationId: context.correlationId, deadline: context.deadline)
      : try await database.setQuantity(
        id, to: quantity, version: version, correlationId: context.correlationId, deadline: context.deadline)
    switch outcome {
    case .created(let item):
      return Self.response(item, status: .created, headers: [.location: "/inventory/\(id.canonicalText)"])
    case .updated(let item): return Self.response(item)
    case .productNotFound: throw Problem.productNotFound([id])
    case .versionConflict(let current): throw Problem.versionConflict(currentVersion: current)
    case .belowReserved(let reserved): throw Problem.quantityBelowReserved(reserved: reserved)
    }
  }

  private func replenish(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let reader = try ObjectReader(context.body)
    let id = reader.pathUUID("productId", context)
    let quantity = reader.integer("quantity", in: InventoryLimits.replenishQuantity)
    let key = reader.idempotencyKey(of: request)
    try reader.finish()
    let outcome = try await database.replenish(
      ReplenishRequest(
        productId: id, quantity: quantity, key: key, hash: Self.replenishHash(id, quantity),
        correlationId: context.correlationId),
      deadline: context.deadline
    ) { item in
      var json = JSONWriter(capacity: 160)
      json.stockItem(item)
      return json.text
    }
    switch outcome {
    case .answered(let text, let isReplay):
      var headers: HTTPFields = [.contentType: "application/json"]
      if isReplay { headers[.idempotencyReplayed] = "true" }
      return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    case .productNotFound: throw Problem.productNotFound([id])
    case .tooMuch(let room):
      throw Problem.validationFailed("quantity", "at most \(room) more units of this product can be stored")
    case .keyReused: throw Problem.idempotencyKeyReused
    case .keyInUse: throw Problem.idempotencyKeyInUse
    }
  }

  /// SHA-256 of the validated request with sorted keys (CONTRACT, `idempotency_key_reused`). The product is part of
  /// the request, though it stands in the path.
  private static func replenishHash(_ productId: UUID, _ quantity: Int) -> [UInt8] {
    var json = JSONWriter(capacity: 96)
    json.object { json in
      json.member("productId", productId)
      json.member("quantity", quantity)
    }
    return RequestHash.sha256(json.buffer)
  }

  static func response(
    _ item: StockItem, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.eTag] = "\"\(item.version)\""
    var json = JSONWriter(capacity: 160)
    json.stockItem(item)
    return .json(json, status: status, headers: headers)
  }
}

extension JSONWriter {
  /// Writes `{productId, quantity, reserved, available, version}`.
  mutating func stockItem(_ item: StockItem) {
    object { json in
      json.member("productId", item.productId)
      json.member("quantity", item.quantity)
      json.member("reserved", item.reserved)
      json.member("available", item.available)
      json.member("version", item.version)
    }
  }
}

extension HTTPField.Name {
  static let xCache = HTTPField.Name("X-Cache")!
}
