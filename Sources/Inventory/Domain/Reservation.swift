package import FoundationEssentials
package import Seams

/// Where a reservation stands. `pending → confirmed | released | expired`, once.
package enum ReservationStatus: String, Sendable, Hashable {
  case pending, confirmed, released, expired
}

/// Why a reservation was given back.
package enum ReleaseReason: String, Sendable, Hashable, CaseIterable {
  case cancelled
  case paymentFailed = "payment_failed"
  case expired
  case timeout
  case orphan

  /// What a caller may say; `expired` is said by the expiry job alone.
  package static let callers: [ReleaseReason] = [.cancelled, .paymentFailed, .timeout, .orphan]
}

/// The stock that one order holds, all its lines or nothing.
package struct Reservation: Sendable, Hashable {
  /// The reservation's id.
  package var id: UUID
  /// The order; it has at most one reservation, ever.
  package var orderId: UUID
  /// Where it stands.
  package var status: ReservationStatus
  /// When it falls due, by the database's clock.
  package var expiresAt: Timestamp
  /// By product id; empty for a reservation that was released before it was made.
  package var lines: [ReservationLine]
  /// Whether `expiresAt` had passed when the row was read, by the database's clock.
  package var isOverdue: Bool

  /// A reservation.
  package init(
    id: UUID, orderId: UUID, status: ReservationStatus, expiresAt: Timestamp, lines: [ReservationLine],
    isOverdue: Bool = false
  ) {
    self.id = id
    self.orderId = orderId
    self.status = status
    self.expiresAt = expiresAt
    self.lines = lines
    self.isOverdue = isOverdue
  }

  /// Expired, or pending and past its time, which the expiry job will make expired.
  package var hasExpired: Bool { status == .expired || (status == .pending && isOverdue) }
}
