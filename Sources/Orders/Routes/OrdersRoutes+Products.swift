import FoundationEssentials
import Hummingbird
import ServiceKit

extension OrdersRoutes {
  func addProductRoutes(to router: Router<ServiceContext>) {
    router.get("/products") { request, context in try await products(request, context) }
    router.get("/products/:productId") { request, context in try await product(request, context) }
  }

  private func products(_ request: Request, _ context: ServiceContext) async throws -> Response {
    try authentication.check(request)
    let query = QueryReader(request)
    let limit = query.integer("limit", in: OrderLimits.page, default: OrderLimits.standardPage)
    let cursor = query.stringIfPresent("cursor").flatMap { text -> UUID? in
      let id = UUID(text: text)
      if id == nil { query.fail("cursor", "expected the nextCursor of an earlier page") }
      return id
    }
    try query.finish()
    let page = try await database.products(behind: cursor, limit: limit, deadline: context.deadline)
    return .json { json in
      json.member("items", in: page.items) { json, product in json.object { $0.product(product) } }
      json.cursor(page.nextCursor)
    }
  }

  private func product(_ request: Request, _ context: ServiceContext) async throws -> Response {
    try authentication.check(request)
    let id = try context.uuidParameter("productId")
    guard let product = try await database.product(id, deadline: context.deadline) else {
      throw Problem.productNotFound([id])
    }
    return .json { $0.product(product) }
  }
}

extension JSONWriter {
  fileprivate mutating func product(_ product: Product) {
    member("productId", product.id)
    member("name", product.name)
    member("price", product.price.amount)
    member("currency", product.price.currency)
  }
}
