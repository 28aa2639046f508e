import Hummingbird
import ServiceKit

extension InventoryRoutes {
  func addAdminRoutes(to router: Router<ServiceContext>) {
    router.post("/admin/reservations/expire") { _, context in try await expire(context) }
  }

  private func expire(_ context: ServiceContext) async throws -> Response {
    // The call has no parameters: `{}` is accepted, a member is refused by name.
    if context.body.readableBytes > 0 { try ObjectReader(context.body).finish() }
    let result = try await database.expireDue(
      batchSize: configuration.expiryBatchSize, correlationId: context.correlationId, deadline: context.deadline)
    return .json { json in
      json.member("expired", result.expired)
      json.member("unitsReturned", result.unitsReturned)
    }
  }
}
