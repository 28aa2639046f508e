package import FoundationEssentials
package import ServiceKit

/// Whoever takes the customers' money (CONTRACT, "Payments sandbox").
///
/// A refusal is a result of the call. Every call is idempotent and may be repeated after any failure; an implementation
/// repeats it by itself within the context's deadline, which no call outlives.
///
/// Every call throws `ServiceCallError`, which says whether it is retryable, ambiguous or permanent, and
/// `CancellationError` when the task is cancelled, after which it is unknown whether the call took effect.
package protocol PaymentProvider: Sendable {
  /// Captures an amount. The same charge with the same key is captured once, and answered alike each time.
  ///
  /// A charge that failed ambiguously is asked for again with the same key, never assumed.
  ///
  /// - Parameter idempotencyKey: 1 to 255 printable ASCII characters; one for each charge that is meant.
  func charge(_ charge: Charge, idempotencyKey: String, context: CallContext) async throws -> ChargeResult

  /// Gives a captured amount back, whole. Repeating it changes nothing.
  func refund(paymentId: UUID, context: CallContext) async throws -> RefundResult

  /// The payments of an order, oldest first, refunded ones included.
  func payments(orderId: UUID, context: CallContext) async throws -> [Payment]
}

/// What became of ``PaymentProvider/charge(_:idempotencyKey:context:)``.
package enum ChargeResult: Sendable, Hashable {
  /// The amount is captured, now or by an earlier request with this key. It may have been refunded since.
  case captured(paymentId: UUID)
  /// 402: the customer's means of payment was declined. Nothing was captured.
  case declined(detail: String)
  /// 422: the key belongs to another charge. Nothing was captured.
  case keyReused
}

/// What became of ``PaymentProvider/refund(paymentId:context:)``.
package enum RefundResult: Sendable, Hashable {
  /// The amount is given back, now or before.
  case refunded
  /// 404: there is no such payment.
  case notFound
}
