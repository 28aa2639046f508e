import FoundationEssentials
import Hummingbird
import Seams
import ServiceKit

/// The inventory's HTTP interface (CONTRACT, "Inventory").
struct InventoryRoutes: Sendable {
  let database: InventoryDatabase
  let reader: StockReader
  let reserver: ReservationCommitter
  let configuration: InventoryConfiguration

  /// Adds the routes to `router`.
  func add(to router: Router<ServiceContext>) {
    addReservationRoutes(to: router)
    addStockRoutes(to: router)
    addAggregateRoutes(to: router)
    addAdminRoutes(to: router)
  }
}

extension ObjectReader {
  /// The path parameter `name` as a UUID, recorded with the body's errors when it is none.
  func pathUUID(_ name: String, _ context: ServiceContext) -> UUID {
    do {
      return try context.uuidParameter(name)
    } catch {
      fail(name, "expected a UUID in the path")
      return UUID(high: 0, low: 0)
    }
  }
}
