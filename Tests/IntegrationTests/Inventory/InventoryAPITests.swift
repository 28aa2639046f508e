import FoundationEssentials
import HTTPLive
import HTTPTypes
import InventoryAPI
import Seams
import ServiceKit
import Testing

/// The client that other services have, against the service itself on PostgreSQL.
@Suite("The inventory's client over HTTP against the service on PostgreSQL", .timeLimit(.minutes(1)))
struct InventoryAPITests {
  private static func context() -> CallContext {
    CallContext(deadline: LiveDatabase.soon(), correlationId: UUID())
  }

  /// Runs `body` with a client of a service of its own.
  private func with(
    _ body: @escaping @Sendable (HTTPInventoryClient, LiveInventory) async throws -> Void
  ) async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database) { inventory in
        let peer = ServicePeer(
          name: HTTPInventoryClient.serviceName,
          address: ServiceAddress(authority: inventory.clients[0].authority),
          transport: inventory.clients[0].transport, environment: .live,
          tokens: SharedSecretTokens(secret: Secret("integration")))
        try await body(HTTPInventoryClient(peer: peer), inventory)
      }
    }
  }

  /// The reservation that an order holds, which must be made.
  private static func reserved(
    _ client: HTTPInventoryClient, _ order: UUID, _ lines: [InventoryLine], ttlSeconds: Int? = nil
  ) async throws -> InventoryReservation {
    let result = try await client.reserve(
      orderId: order, lines: lines, ttlSeconds: ttlSeconds, context: context())
    guard case .reserved(let reservation) = result else { throw ConformanceFailure("not reserved: \(result)") }
    return reservation
  }

  @Test func anOrderIsReservedAndConfirmed() async throws {
    try await with { client, inventory in
      let products = try await inventory.seed(products: 2, quantity: 10)
      let order = UUID()
      let lines = products.reversed().map { InventoryLine(productId: $0, quantity: 3) }
      let reservation = try await Self.reserved(client, order, lines)
      #expect(reservation.status == .pending && reservation.orderId == order)
      #expect(try await Self.reserved(client, order, lines) == reservation)
      #expect(try await client.reservation(id: reservation.id, context: Self.context()) == reservation)

      var confirmed = reservation
      confirmed.status = .confirmed
      for _ in 0..<2 {
        let result = try await client.confirm(reservationId: reservation.id, context: Self.context())
        #expect(result == .confirmed(confirmed))
      }
      let release = try await client.release(
        reservationId: reservation.id, reason: .cancelled, context: Self.context())
      #expect(release == .confirmed)
      let levels = try await client.items(ids: products + [UUID()], context: Self.context())
      #expect(levels.map(\.quantity) == [7, 7] && levels.map(\.reserved) == [0, 0])
    }
  }

  @Test func everyRefusalIsAResult() async throws {
    try await with { client, inventory in
      let product = try await inventory.seed(products: 1, quantity: 5)[0]
      let unknown = UUID()
      func reserve(_ order: UUID, _ product: UUID, _ quantity: Int) async throws -> ReserveResult {
        try await client.reserve(
          orderId: order, lines: [InventoryLine(productId: product, quantity: quantity)], ttlSeconds: nil,
          context: Self.context())
      }
      #expect(try await reserve(UUID(), unknown, 1) == .productsNotFound([unknown], isConclusive: true))
      let shortage = StockShortage(productId: product, requested: 6, available: 5)
      #expect(try await reserve(UUID(), product, 6) == .insufficientStock([shortage], isConclusive: true))
      #expect(try await client.confirm(reservationId: unknown, context: Self.context()) == .notFound)
      #expect(try await client.reservation(id: unknown, context: Self.context()) == nil)
      let missing = try await client.release(reservationId: unknown, reason: .timeout, context: Self.context())
      #expect(missing == .notFound)

      let order = UUID()
      let reservation = try await Self.reserved(client, order, [InventoryLine(productId: product, quantity: 2)])
      #expect(try await reserve(order, product, 3) == .otherLines)
      for _ in 0..<2 {
        let result = try await client.release(orderId: order, reason: .paymentFailed, context: Self.context())
        guard case .ended(let ended) = result else { throw ConformanceFailure("not released: \(result)") }
        #expect(ended.id == reservation.id && ended.status == .released)
      }
      #expect(try await reserve(order, product, 2) == .notPending(.released))
      let confirm = try await client.confirm(reservationId: reservation.id, context: Self.context())
      #expect(confirm == .notPending(.released))
    }
  }

  @Test func aReleaseThatComesFirstWins() async throws {
    try await with { client, inventory in
      let product = try await inventory.seed(products: 1, quantity: 5)[0]
      let order = UUID()
      let result = try await client.release(orderId: order, reason: .orphan, context: Self.context())
      guard case .ended(let ended) = result else { throw ConformanceFailure("not released: \(result)") }
      #expect(ended.lines.isEmpty && ended.orderId == order && ended.status == .released)
      let late = try await client.reserve(
        orderId: order, lines: [InventoryLine(productId: product, quantity: 1)], ttlSeconds: nil,
        context: Self.context())
      #expect(late == .notPending(.released))
    }
  }

  @Test func aReservationThatExpiredIsToldSo() async throws {
    try await with { client, inventory in
      let product = try await inventory.seed(products: 1, quantity: 5)[0]
      let lines = [InventoryLine(productId: product, quantity: 1)]
      let order = UUID()
      let reservation = try await Self.reserved(client, order, lines, ttlSeconds: 1)
      try await Task.sleep(for: .milliseconds(1100))
      _ = try await inventory.clients[0].send(.post, "/admin/reservations/expire")
      #expect(try await client.confirm(reservationId: reservation.id, context: Self.context()) == .expired)
      let again = try await client.reserve(orderId: order, lines: lines, ttlSeconds: 1, context: Self.context())
      #expect(again == .expired)
      let release = try await client.release(
        reservationId: reservation.id, reason: .timeout, context: Self.context())
      guard case .ended(let ended) = release else { throw ConformanceFailure("not ended: \(release)") }
      #expect(ended.status == .expired)
    }
  }

  @Test func productsAreCreatedOnce() async throws {
    try await with { client, _ in
      let id = UUID()
      let created = try await client.create(productId: id, quantity: 0, context: Self.context())
      #expect(created == .created(StockLevel(productId: id, quantity: 0, reserved: 0, version: 1)))
      #expect(try await client.create(productId: id, quantity: 9, context: Self.context()) == .exists(version: 1))
      let levels = try await client.items(ids: [id], context: Self.context())
      #expect(levels == [StockLevel(productId: id, quantity: 0, reserved: 0, version: 1)])
    }
  }
}
