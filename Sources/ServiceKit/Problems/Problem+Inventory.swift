package import FoundationEssentials
internal import HTTPTypes

/// The refusals of the inventory service, as the contract names them.
extension Problem {
  /// A product that is asked for more often than it is there.
  package struct Shortage: Sendable, Hashable {
    package var productId: UUID
    package var requested: Int
    package var available: Int

    /// `requested` units of `productId` when only `available` are there.
    package init(productId: UUID, requested: Int, available: Int) {
      self.productId = productId
      self.requested = requested
      self.available = available
    }
  }

  /// 404: these products do not exist.
  package static func productNotFound(_ productIds: [UUID]) -> Problem {
    let list = productIds.map(\.canonicalText)
    return Problem(
      status: .notFound, code: "product_not_found", title: "The product does not exist",
      detail: "No product has the id \(list.joined(separator: ", ")).",
      members: [JSONMember("productIds", .array(list.map { .string($0) }))])
  }

  /// 404: the reservation does not exist.
  package static func reservationNotFound(_ reservationId: UUID) -> Problem {
    Problem(
      status: .notFound, code: "reservation_not_found", title: "The reservation does not exist",
      detail: "No reservation has the id \(reservationId.canonicalText).")
  }

  /// 409: there is not enough stock.
  package static func insufficientStock(_ shortages: [Shortage]) -> Problem {
    let list = shortages.map { shortage in
      JSONValue.object([
        JSONMember("productId", .string(shortage.productId.canonicalText)),
        JSONMember("requested", .integer(Int64(shortage.requested))),
        JSONMember("available", .integer(Int64(shortage.available))),
      ])
    }
    return Problem(
      status: .conflict, code: "insufficient_stock", title: "There is not enough stock",
      detail: "Nothing was reserved. Ask for no more than what `shortages` says is available.",
      members: [JSONMember("shortages", .array(list))])
  }

  /// 409: the row has changed since the caller read it.
  package static func versionConflict(currentVersion: Int) -> Problem {
    Problem(
      status: .conflict, code: "version_conflict", title: "The product has changed",
      detail: "Read it again and update version \(currentVersion).",
      members: [JSONMember("currentVersion", .integer(Int64(currentVersion)))])
  }

  /// 409: a quantity below what is reserved already.
  package static func quantityBelowReserved(reserved: Int) -> Problem {
    Problem(
      status: .conflict, code: "quantity_below_reserved", title: "More is reserved than that",
      detail: "\(reserved) units are reserved: the quantity cannot be less.",
      members: [JSONMember("reserved", .integer(Int64(reserved)))])
  }

  /// 409: the reservation is in a state that the call cannot leave.
  package static func reservationNotPending(status: String) -> Problem {
    Problem(
      status: .conflict, code: "reservation_not_pending", title: "The reservation is no longer pending",
      detail: "The reservation is \(status); this cannot be changed.",
      members: [JSONMember("reservationStatus", .string(status))])
  }

  /// 409: the first request with this key has not been answered yet.
  package static let idempotencyKeyInUse = Problem(
    status: .conflict, code: "idempotency_key_in_use", title: "A request with this idempotency key is under way",
    detail: "Send the same request again to get the first one's answer.", headers: [.retryAfter: "1"])

  /// 410: the reservation's time has run out.
  package static func reservationExpired(_ reservationId: UUID) -> Problem {
    Problem(
      status: .gone, code: "reservation_expired", title: "The reservation has expired",
      detail: "Reservation \(reservationId.canonicalText) has expired and its stock was returned. Reserve anew.")
  }

  /// 422: the key was used with another request.
  package static let idempotencyKeyReused = Problem(
    status: .unprocessableContent, code: "idempotency_key_reused",
    title: "The idempotency key belongs to another request",
    detail: "Use a new key for a new request, or send the first request unchanged.")
}
