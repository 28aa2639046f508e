package import FoundationEssentials
internal import HTTPTypes
package import ServiceKit

/// The inventory service over HTTP.
package struct HTTPInventoryClient: InventoryClient {
  /// The name under which `ServicePeer` knows the service.
  package static let serviceName = "inventory"

  private let reserve, confirm, release, releaseByOrder, reservation, items, create: ServiceEndpoint

  /// A client of the service `peer`.
  package init(peer: ServicePeer) {
    reserve = peer.endpoint("reserve")
    confirm = peer.endpoint("confirm")
    release = peer.endpoint("release")
    releaseByOrder = peer.endpoint("release_by_order")
    reservation = peer.endpoint("reservation")
    items = peer.endpoint("items")
    create = peer.endpoint("create")
  }

  package func reserve(
    orderId: UUID, lines: [InventoryLine], ttlSeconds: Int?, context: CallContext
  ) async throws -> ReserveResult {
    var body = JSONWriter(capacity: 96 + 80 * lines.count)
    body.object { json in
      json.member("orderId", orderId)
      json.member("items", in: lines) { json, line in
        json.object { json in
          json.member("productId", line.productId)
          json.member("quantity", line.quantity)
        }
      }
      if let ttlSeconds { json.member("ttlSeconds", ttlSeconds) }
    }
    let call = ServiceCall<ReserveResult>(.post, "/inventory/reserve", body: body, isIdempotent: true) {
      (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (200, _):
        let reservation = try answer.reservation(orderId: orderId, states: [.pending, .confirmed])
        guard Set(reservation.lines) == Set(lines) else {
          throw .validationFailed("items", "expected the lines that were asked for")
        }
        return .done(.reserved(reservation))
      case (404, "product_not_found"):
        return .refused(.productsNotFound(try answer.missingProducts(), isConclusive: answer.isConclusive))
      case (409, "insufficient_stock"):
        return .refused(.insufficientStock(try answer.shortages(), isConclusive: answer.isConclusive))
      case (409, "reservation_not_pending"): return .refused(.notPending(try answer.finalState()))
      case (410, "reservation_expired"): return .refused(.expired)
      case (422, "idempotency_key_reused"): return .refused(.otherLines)
      default: return .unknown
      }
    }
    return try await reserve.call(call, context)
  }

  package func confirm(reservationId: UUID, context: CallContext) async throws -> ConfirmResult {
    let path = "/inventory/confirm/\(reservationId.canonicalText)"
    let call = ServiceCall<ConfirmResult>(.post, path, isIdempotent: true) { (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (200, _): return .done(.confirmed(try answer.reservation(id: reservationId, states: [.confirmed])))
      case (404, "reservation_not_found"): return .refused(.notFound)
      case (409, "reservation_not_pending"): return .refused(.notPending(try answer.finalState()))
      case (410, "reservation_expired"): return .refused(.expired)
      default: return .unknown
      }
    }
    return try await confirm.call(call, context)
  }

  package func release(
    reservationId: UUID, reason: InventoryReleaseReason, context: CallContext
  ) async throws -> ReleaseResult {
    var body = JSONWriter(capacity: 64)
    body.object { $0.member("reason", reason.rawValue) }
    let path = "/inventory/release/\(reservationId.canonicalText)"
    let call = ServiceCall<ReleaseResult>(.post, path, body: body, isIdempotent: true) { (answer) throws(Problem) in
      if answer.status == 404, answer.code == "reservation_not_found" { return .refused(.notFound) }
      return try answer.released(id: reservationId, orderId: nil)
    }
    return try await release.call(call, context)
  }

  package func release(
    orderId: UUID, reason: InventoryReleaseReason, context: CallContext
  ) async throws -> ReleaseResult {
    var body = JSONWriter(capacity: 128)
    body.object { json in
      json.member("orderId", orderId)
      json.member("reason", reason.rawValue)
    }
    let call = ServiceCall<ReleaseResult>(.post, "/inventory/release", body: body, isIdempotent: true) {
      (answer) throws(Problem) in
      try answer.released(id: nil, orderId: orderId)
    }
    return try await releaseByOrder.call(call, context)
  }

  package func reservation(id: UUID, context: CallContext) async throws -> InventoryReservation? {
    let path = "/inventory/reservations/\(id.canonicalText)"
    let call = ServiceCall<InventoryReservation?>(.get, path, isIdempotent: true) { (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (200, _): .done(try answer.reservation(id: id, states: InventoryReservation.Status.allCases))
      case (404, "reservation_not_found"): .refused(nil)
      default: .unknown
      }
    }
    return try await reservation.call(call, context)
  }

  package func items(ids: [UUID], context: CallContext) async throws -> [StockLevel] {
    precondition((1...100).contains(ids.count), "1 to 100 products are read at once, not \(ids.count)")
    let path = "/inventory?ids=" + ids.map(\.canonicalText).joined(separator: ",")
    let call = ServiceCall<[StockLevel]>(.get, path, isIdempotent: true) { (answer) throws(Problem) in
      guard answer.status == 200 else { return .unknown }
      let reader = try answer.reader()
      let levels = reader.objects("items", count: 0...ids.count) { $0.stockLevel(among: ids) }
      try reader.finish()
      return .done(levels)
    }
    return try await items.call(call, context)
  }

  package func create(productId: UUID, quantity: Int, context: CallContext) async throws -> CreateStockResult {
    var body = JSONWriter(capacity: 64)
    body.object { json in
      json.member("quantity", quantity)
      json.member("version", 0)
    }
    let path = "/inventory/\(productId.canonicalText)"
    let call = ServiceCall<CreateStockResult>(.put, path, body: body, isIdempotent: true) {
      (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (201, _):
        let reader = try answer.reader()
        let level = reader.stockLevel(among: [productId])
        try reader.finish()
        return .done(.created(level))
      case (409, "version_conflict"):
        let reader = try answer.reader()
        let version = reader.integer("currentVersion", in: 1...Int.max)
        try reader.finish()
        return .refused(.exists(version: version))
      default: return .unknown
      }
    }
    return try await create.call(call, context)
  }
}
