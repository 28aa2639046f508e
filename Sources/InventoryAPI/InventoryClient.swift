package import FoundationEssentials
package import ServiceKit

/// The inventory service as its callers see it (CONTRACT, "Inventory").
///
/// A refusal of the domain is a result of the call. Every call is idempotent and may be repeated after any failure; an
/// implementation repeats it by itself within the context's deadline, which no call outlives.
///
/// Every call throws `ServiceCallError`, which says whether it is retryable, ambiguous or permanent, and
/// `CancellationError` when the task is cancelled, after which it is unknown whether the call took effect.
package protocol InventoryClient: Sendable {
  /// Reserves all lines of an order, or nothing (phase 1). The order is the key: the same lines again answer the same
  /// reservation.
  ///
  /// A refusal is what the last attempt met. An earlier one whose answer was lost may still arrive: unless the refusal is
  /// conclusive, or the error says that nothing can have taken effect, whoever gives the order up releases it by its id.
  ///
  /// - Parameters:
  ///   - orderId: the order; it has at most one reservation, ever.
  ///   - lines: 1 to 50, each of 1 to 1000 units, no product twice.
  ///   - ttlSeconds: how long the reservation lives, in seconds (1 … 86,400); `nil` for the service's default.
  func reserve(
    orderId: UUID, lines: [InventoryLine], ttlSeconds: Int?, context: CallContext
  ) async throws -> ReserveResult

  /// Takes the reserved units out of stock (phase 2).
  func confirm(reservationId: UUID, context: CallContext) async throws -> ConfirmResult

  /// Gives the reserved units back (phase 2).
  func release(
    reservationId: UUID, reason: InventoryReleaseReason, context: CallContext
  ) async throws -> ReleaseResult

  /// Gives back what an order holds, for a caller that never learned the reservation's id.
  ///
  /// Where the order has no reservation, a released one is stored, so that a reserve that arrives late is refused.
  /// It never answers ``ReleaseResult/notFound``.
  func release(orderId: UUID, reason: InventoryReleaseReason, context: CallContext) async throws -> ReleaseResult

  /// The reservation `id`, `nil` when there is none.
  func reservation(id: UUID, context: CallContext) async throws -> InventoryReservation?

  /// The stock of some products; those that do not exist are left out.
  ///
  /// - Parameter ids: 1 to 100.
  func items(ids: [UUID], context: CallContext) async throws -> [StockLevel]

  /// Creates a product in stock, if it is not there.
  ///
  /// When an attempt's answer was lost the next one finds what it did: ``CreateStockResult/exists(version:)`` means that
  /// the product is there, not that somebody else created it.
  ///
  /// - Parameter quantity: its units, 0 … 1,000,000,000.
  func create(productId: UUID, quantity: Int, context: CallContext) async throws -> CreateStockResult
}
