import FoundationEssentials
import Seams
import ServiceKit

extension OrdersDatabase {
  /// The order `id` of a user, with its items and history; `nil` when the user has none.
  func order(_ id: UUID, userId: String, deadline: MonotonicInstant) async throws -> Order? {
    let rows = try await read(
      [OrderSQL.order(id, userId: userId), OrderSQL.items(id), OrderSQL.history(id)], deadline: deadline)
    guard let row = rows[0].first else { return nil }
    var order = try Order(row: row)
    order.items = try rows[1].map { row in
      OrderItem(
        productId: try row.decode("product_id"), quantity: try row.decode("quantity"),
        unitPrice: try row.decode("unit_price"))
    }
    order.history = try Order.Entry.list(rows[2])
    return order
  }

  /// A page of a user's orders, newest first.
  func orders(
    userId: String, behind cursor: OrderCursor?, limit: Int, deadline: MonotonicInstant
  ) async throws -> Page<Order> {
    // One more than is shown tells whether there is a next page.
    let statement =
      cursor.map { OrderSQL.newest(userId: userId, behind: $0, limit: limit + 1) }
      ?? OrderSQL.newest(userId: userId, limit: limit + 1)
    let orders = try await read([statement], deadline: deadline)[0].map { try Order(row: $0) }
    let items = Array(orders.prefix(limit))
    let next = orders.count > limit ? items.last : nil
    return Page(items: items, nextCursor: next.map { OrderCursor(createdAt: $0.createdAt, id: $0.id).text })
  }

  /// Which of `ids` have come to their final state.
  func settled(among ids: [UUID], deadline: MonotonicInstant) async throws -> [UUID] {
    try await read([OrderSQL.settled(among: ids)], deadline: deadline)[0].map { try $0.decode("id") }
  }

  /// A product of the catalogue.
  func product(_ id: UUID, deadline: MonotonicInstant) async throws -> Product? {
    try await read([ProductSQL.product(id)], deadline: deadline)[0].first.map { try Product(row: $0) }
  }

  /// A page of the catalogue, by id.
  func products(behind id: UUID?, limit: Int, deadline: MonotonicInstant) async throws -> Page<Product> {
    let products = try await read([ProductSQL.products(behind: id, limit: limit + 1)], deadline: deadline)[0]
      .map { try Product(row: $0) }
    let items = Array(products.prefix(limit))
    return Page(items: items, nextCursor: products.count > limit ? items.last?.id.canonicalText : nil)
  }
}
