import FoundationEssentials
import Hummingbird
import Seams
import ServiceKit

extension InventoryRoutes {
  func addReservationRoutes(to router: Router<ServiceContext>) {
    router.post("/inventory/reserve") { _, context in try await reserve(context) }
    router.post("/inventory/confirm/:reservationId") { _, context in try await confirm(context) }
    router.post("/inventory/release/:reservationId") { _, context in try await release(context) }
    router.post("/inventory/release") { _, context in try await releaseByOrder(context) }
    router.get("/inventory/reservations/:reservationId") { _, context in try await reservation(context) }
  }

  private func reserve(_ context: ServiceContext) async throws -> Response {
    let request = try Self.reserveRequest(
      context.body, defaultTimeToLiveSeconds: configuration.reservationTimeToLiveSeconds,
      correlationId: context.correlationId)
    switch try await reserver.reserve(request, deadline: context.deadline) {
    case .reserved(let reservation):
      return Self.response(reservation)
    case .productNotFound(let ids):
      throw Problem.productNotFound(ids)
    case .insufficientStock(let shortages):
      throw Problem.insufficientStock(
        shortages.map {
          Problem.Shortage(productId: $0.productId, requested: $0.requested, available: $0.available)
        })
    case .otherLines:
      var problem = Problem.idempotencyKeyReused
      problem.detail = "The order has a reservation with other lines, and an order has one reservation only."
      throw problem
    case .released(let reservation):
      throw Problem.reservationNotPending(status: reservation.status.rawValue)
    case .expired(let reservation):
      throw Problem.reservationExpired(reservation.id)
    }
  }

  /// Reads `{orderId, items: [{productId, quantity}], ttlSeconds?}` or `{orderId, productId, quantity, ttlSeconds?}`.
  static func reserveRequest(
    _ body: ByteBuffer, defaultTimeToLiveSeconds: Int, correlationId: UUID
  ) throws(Problem) -> ReserveRequest {
    let reader = try ObjectReader(body)
    let orderId = reader.uuid("orderId")
    let lines = readLines(reader)
    let timeToLive =
      reader.integerIfPresent("ttlSeconds", in: InventoryLimits.timeToLiveSeconds) ?? defaultTimeToLiveSeconds
    try reader.finish()
    guard
      let request = ReservationLines(lines.compactMap { $0 }).flatMap({
        ReserveRequest(
          orderId: orderId, lines: $0, timeToLiveSeconds: timeToLive, correlationId: correlationId)
      })
    else {
      throw .validationFailed("items", "give 1 to \(InventoryLimits.lines.upperBound) lines, each of another product")
    }
    return request
  }

  private static func readLines(_ reader: ObjectReader) -> [ReservationLine?] {
    let hasItems = reader.has("items")
    // Both are looked for, so that both are known and neither is called unknown.
    let hasProduct = reader.has("productId")
    let hasQuantity = reader.has("quantity")
    guard hasProduct || hasQuantity else {
      var seen: Set<UUID> = []
      return reader.objects("items", count: InventoryLimits.lines) { item in
        let line = Self.line(item)
        if let line, !seen.insert(line.productId).inserted {
          item.fail("productId", "the product comes twice; add the quantities")
        }
        return line
      }
    }
    if hasItems { reader.fail("items", "give either items, or productId and quantity") }
    return [line(reader)]
  }

  /// A line of the request, `nil` when its product is refused.
  private static func line(_ reader: ObjectReader) -> ReservationLine? {
    let productId = reader.uuidIfValid("productId")
    let quantity = reader.integer("quantity", in: InventoryLimits.lineQuantity)
    return productId.flatMap { ReservationLine(productId: $0, quantity: quantity) }
  }

  private func confirm(_ context: ServiceContext) async throws -> Response {
    let id = try context.uuidParameter("reservationId")
    let outcome = try await database.confirm(id, correlationId: context.correlationId, deadline: context.deadline)
    guard case .reservation(let reservation) = outcome else { throw Problem.reservationNotFound(id) }
    if reservation.hasExpired { throw Problem.reservationExpired(id) }
    guard reservation.status == .confirmed else {
      throw Problem.reservationNotPending(status: reservation.status.rawValue)
    }
    return Self.response(reservation)
  }

  private func release(_ context: ServiceContext) async throws -> Response {
    let reader = try ObjectReader(context.body)
    let id = reader.pathUUID("reservationId", context)
    let reason = Self.reason(reader)
    try reader.finish()
    let outcome = try await database.release(
      id, reason: reason, correlationId: context.correlationId, deadline: context.deadline)
    guard case .reservation(let reservation) = outcome else { throw Problem.reservationNotFound(id) }
    return try Self.released(reservation)
  }

  private func releaseByOrder(_ context: ServiceContext) async throws -> Response {
    let reader = try ObjectReader(context.body)
    let orderId = reader.uuid("orderId")
    let reason = Self.reason(reader)
    try reader.finish()
    let reservation = try await database.release(
      orderId: orderId, reason: reason, correlationId: context.correlationId, deadline: context.deadline)
    return try Self.released(reservation)
  }

  private static func reason(_ reader: ObjectReader) -> ReleaseReason {
    ReleaseReason(rawValue: reader.choice("reason", of: ReleaseReason.callers.map(\.rawValue))) ?? .cancelled
  }

  private static func released(_ reservation: Reservation) throws(Problem) -> Response {
    guard reservation.status != .confirmed else {
      throw Problem.reservationNotPending(status: reservation.status.rawValue)
    }
    return response(reservation)
  }

  private func reservation(_ context: ServiceContext) async throws -> Response {
    let id = try context.uuidParameter("reservationId")
    guard let reservation = try await database.reservation(id, deadline: context.deadline) else {
      throw Problem.reservationNotFound(id)
    }
    return Self.response(reservation)
  }

  static func response(_ reservation: Reservation) -> Response {
    var json = JSONWriter(capacity: 192 + 80 * reservation.lines.count)
    json.object { json in
      json.member("reservationId", reservation.id)
      json.member("orderId", reservation.orderId)
      json.member("status", reservation.status.rawValue)
      json.member("expiresAt", reservation.expiresAt)
      json.member("items", in: reservation.lines) { json, line in
        json.object { json in
          json.member("productId", line.productId)
          json.member("quantity", line.quantity)
        }
      }
    }
    return .json(json)
  }
}
