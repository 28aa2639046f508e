import FoundationEssentials
import HTTPTypes
package import ServiceKit

/// The orders service's catalogue over HTTP, as whoever copies its products reads it.
package struct CatalogueClient: Sendable {
  /// The name under which `ServicePeer` knows the service.
  package static let serviceName = "orders"
  /// Products of one page: as many as the inventory is asked for at once.
  static let pageSize = 100

  private let products: ServiceEndpoint

  /// A client of the service `peer`.
  package init(peer: ServicePeer) { products = peer.endpoint("products") }

  /// A page of the ids of products.
  ///
  /// - Parameter cursor: the last page's `nextCursor`; `nil` for the first page.
  /// - Throws: `ServiceCallError`; `CancellationError`.
  func productIds(behind cursor: UUID?, context: CallContext) async throws -> Page<UUID> {
    let path = "/products?limit=\(Self.pageSize)" + (cursor.map { "&cursor=\($0.canonicalText)" } ?? "")
    let call = ServiceCall<Page<UUID>>(.get, path, isIdempotent: true) { (answer) throws(Problem) in
      guard answer.status == 200 else { return .unknown }
      let reader = try answer.reader()
      let ids = reader.objects("items", count: 0...Self.pageSize) { $0.uuid("productId") }
      let next = reader.stringIfPresent("nextCursor", length: 1...100)
      // One that stands still would be asked for ever.
      if let next, UUID(text: next).map({ $0 == cursor }) ?? true || ids.isEmpty {
        reader.fail("nextCursor", "expected the id of a product behind which the next page begins")
      }
      try reader.finish()
      return .done(Page(items: ids, nextCursor: next))
    }
    return try await products.call(call, context)
  }
}
