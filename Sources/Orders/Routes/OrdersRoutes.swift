import FoundationEssentials
import HTTPTypes
import Hummingbird
import InventoryAPI
import Seams
import ServiceKit

/// The orders' HTTP interface (CONTRACT, "Orders").
struct OrdersRoutes: Sendable {
  let database: OrdersDatabase
  let committer: OrderCommitter
  let engine: SagaEngine
  let waits: OrderWaits
  let authentication: ServiceAuthentication

  /// Adds the routes to `router`.
  func add(to router: Router<ServiceContext>) {
    router.post("/orders") { request, context in try await create(request, context) }
    router.get("/orders") { request, context in try await list(request, context) }
    router.get("/orders/:orderId") { request, context in try await order(request, context) }
    router.post("/orders/:orderId/cancel") { request, context in try await cancel(request, context) }
    addProductRoutes(to: router)
  }

  private func create(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let userId = try authentication.userId(of: request)
    let order = try Self.newOrder(
      request, context, userId: userId, id: database.ids.next(), arrival: database.environment.clock.now)
    switch try await committer.create(order, deadline: context.deadline) {
    case .accepted(let orderId, let total, let isReplay):
      var headers: HTTPFields = [.location: "/orders/\(orderId.canonicalText)"]
      if isReplay { headers[.idempotencyReplayed] = "true" }
      return .json(status: .accepted, headers: headers) { json in
        json.member("orderId", orderId)
        json.member("status", OrderStatus.pending.rawValue)
        json.member("total", total.amount)
        json.member("currency", total.currency)
      }
    case .productNotFound(let ids): throw Problem.productNotFound(ids)
    case .noTotal:
      throw Problem.validationFailed(
        "items", "the products' prices are in several currencies, or their sum is too large")
    case .keyReused: throw Problem.idempotencyKeyReused
    case .keyInUse: throw Problem.idempotencyKeyInUse
    }
  }

  /// Reads `{items: [{productId, quantity}], paymentToken}` and the header `Idempotency-Key`.
  static func newOrder(
    _ request: Request, _ context: ServiceContext, userId: String, id: @autoclosure () -> UUID,
    arrival: MonotonicInstant
  ) throws(Problem) -> NewOrder {
    let reader = try ObjectReader(context.body)
    var seen: Set<UUID> = []
    let lines = reader.objects("items", count: OrderLimits.lines) { item -> InventoryLine? in
      let productId = item.uuidIfValid("productId")
      let quantity = item.integer("quantity", in: OrderLimits.lineQuantity)
      if let productId, !seen.insert(productId).inserted {
        item.fail("productId", "the product comes twice; add the quantities")
      }
      return productId.map { InventoryLine(productId: $0, quantity: quantity) }
    }
    let token = reader.string("paymentToken", length: OrderLimits.paymentToken)
    let key = reader.idempotencyKey(of: request)
    try reader.finish()
    guard let lines = OrderLines(lines.compactMap { $0 }) else {
      throw .validationFailed("items", "give 1 to \(OrderLimits.lines.upperBound) lines, each of another product")
    }
    return NewOrder(
      id: id(), userId: userId, key: key, lines: lines, paymentToken: token, correlationId: context.correlationId,
      arrival: arrival)
  }

  private func order(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let userId = try authentication.userId(of: request)
    let id = try context.uuidParameter("orderId")
    let query = QueryReader(request)
    let seconds = query.integer("wait", in: OrderLimits.waitSeconds, default: 0)
    try query.finish()
    guard var order = try await database.order(id, userId: userId, deadline: context.deadline) else {
      throw Problem.orderNotFound(id)
    }
    if seconds > 0, !order.status.isFinal {
      let clock = database.environment.clock
      // The answer still has to be read and sent.
      let latest = context.deadline.advanced(by: .milliseconds(-500))
      let until = min(clock.now.advanced(by: .seconds(seconds)), latest)
      if until > clock.now { try await waits.wait(for: id, until: until) }
      guard let later = try await database.order(id, userId: userId, deadline: context.deadline) else {
        throw Problem.orderNotFound(id)
      }
      order = later
    }
    return .json { $0.order(order, withDetails: true) }
  }

  private func list(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let userId = try authentication.userId(of: request)
    let query = QueryReader(request)
    let limit = query.integer("limit", in: OrderLimits.page, default: OrderLimits.standardPage)
    let cursor = query.stringIfPresent("cursor").flatMap { text -> OrderCursor? in
      let cursor = OrderCursor(text: text)
      if cursor == nil { query.fail("cursor", "expected the nextCursor of an earlier page") }
      return cursor
    }
    try query.finish()
    let page = try await database.orders(userId: userId, behind: cursor, limit: limit, deadline: context.deadline)
    return .json { json in
      json.member("items", in: page.items) { json, order in json.object { $0.order(order, withDetails: false) } }
      json.cursor(page.nextCursor)
    }
  }

  private func cancel(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let userId = try authentication.userId(of: request)
    let id = try context.uuidParameter("orderId")
    switch try await database.cancel(id, userId: userId, deadline: context.deadline) {
    case .notFound: throw Problem.orderNotFound(id)
    case .notCancellable(let status): throw Problem.orderNotCancellable(status: status.rawValue)
    case .accepted(let status):
      engine.wake()
      return .json(status: .accepted, headers: [.location: "/orders/\(id.canonicalText)"]) { json in
        json.member("orderId", id)
        json.member("status", status.rawValue)
      }
    }
  }
}

extension JSONWriter {
  /// Writes an order's members.
  mutating func order(_ order: Order, withDetails: Bool) {
    member("orderId", order.id)
    member("status", order.status.rawValue)
    member("total", order.total.amount)
    member("currency", order.total.currency)
    if let failure = order.failure { self.failure(failure) }
    member("createdAt", order.createdAt)
    member("updatedAt", order.updatedAt)
    guard withDetails else { return }
    member("items", in: order.items) { json, item in
      json.object { json in
        json.member("productId", item.productId)
        json.member("quantity", item.quantity)
        json.member("unitPrice", item.unitPrice)
      }
    }
    member("history", in: order.history) { json, entry in
      json.object { json in
        json.member("status", entry.status.rawValue)
        json.member("at", entry.at)
      }
    }
  }

  /// Writes the member `nextCursor`, `null` on the last page.
  mutating func cursor(_ cursor: String?) {
    name("nextCursor")
    if let cursor { value(cursor) } else { null() }
  }
}
