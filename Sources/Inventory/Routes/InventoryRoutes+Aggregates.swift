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
    let items = try await database.lowStock(threshold: threshold, limit: limit, deadline: context.deadline)
    return .json { json in
      json.member("threshold", threshold)
      json.member("items", in: items) { $0.stockItem($1) }
    }
  }

  private func mostReserved(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let query = QueryReader(request)
    let limit = query.integer("limit", in: 1...500, default: 10)
    try query.finish()
    let items = try await database.mostReserved(limit: limit, deadline: context.deadline)
    return .json { json in
      json.member("items", in: items) { $0.stockItem($1) }
    }
  }

  private func stats(_ request: Request, _ context: ServiceContext) async throws -> Response {
    try QueryReader(request).finish()
    let stats = try await database.stats(deadline: context.deadline)
    return .json { json in
      json.member("products", stats.products)
      json.member("quantity", stats.quantity)
      json.member("reserved", stats.reserved)
      json.member("available", stats.quantity - stats.reserved)
      json.member("soldOut", stats.soldOut)
      json.member("pendingReservations", stats.pendingReservations)
    }
  }
}
