import Hummingbird
import ServiceKit

extension InventoryRoutes {
  func addAggregateRoutes(to router: Router<ServiceContext>) {
    router.get("/inventory/low-stock") { request, context in try await lowStock(request, context) }
    router.get("/inventory/most-reserved") { request, context in try await mostReserved(request, context) }
    router.get("/inventory/stats") { request, context in try await stats(request, context) }
  }

  /// Products of which at most `threshold` units are available.
  private func lowStock(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let query = QueryReader(request)
    let threshold = query.integer("threshold", in: InventoryLimits.stockQuantity, default: 10)
    let limit = query.integer("limit", in: 1...500, default: 50)
    try query.finish()
    let low = try await reader.lowStock(threshold: threshold, limit: limit, deadline: context.deadline)
    return .json(headers: Self.cacheHeader(low.isHit)) { json in
      json.member("threshold", threshold)
      json.member("items", in: low.value) { $0.stockItem($1) }
    }
  }

  private func mostReserved(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let query = QueryReader(request)
    let limit = query.integer("limit", in: 1...500, default: 10)
    try query.finish()
    let most = try await reader.mostReserved(limit: limit, deadline: context.deadline)
    return .json(headers: Self.cacheHeader(most.isHit)) { json in
      json.member("items", in: most.value) { $0.stockItem($1) }
    }
  }

  private func stats(_ request: Request, _ context: ServiceContext) async throws -> Response {
    try QueryReader(request).finish()
    let answer = try await reader.stats(deadline: context.deadline)
    let stats = answer.value
    return .json(headers: Self.cacheHeader(answer.isHit)) { json in
      json.member("products", stats.products)
      json.member("quantity", stats.quantity)
      json.member("reserved", stats.reserved)
      json.member("available", stats.quantity - stats.reserved)
      json.member("soldOut", stats.soldOut)
      json.member("pendingReservations", stats.pendingReservations)
    }
  }
}
