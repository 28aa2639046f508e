import FoundationEssentials
import InventoryAPI
import Payments
import Seams
import ServiceKit

/// The calls of a saga's steps. Each is idempotent: it may be made again after any failure, by anybody.
struct SagaCalls: Sendable {
  let inventory: any InventoryClient
  let payments: any PaymentProvider

  /// Makes the calls of the saga's step.
  ///
  /// - Throws: `CancellationError`; what is no failure of a call.
  func perform(_ saga: Saga, deadline: MonotonicInstant) async throws -> StepOutcome {
    let context = CallContext(deadline: deadline, correlationId: saga.correlationId)
    do {
      switch saga.step {
      case .reserve: return try await reserve(saga, context)
      case .charge: return try await charge(saga, context)
      case .confirm: return try await confirm(saga, context)
      case .refund: return try await refund(saga, context)
      case .release: return try await release(saga, context)
      }
    } catch let error as ServiceCallError {
      // Who finds the request itself wrong finds it wrong again. What a confirmation is answered with decides nothing:
      // it is asked for until the reservation ends.
      // A rejection is believed only so far: whoever it comes from need not know what became of the request. A release
      // that is rejected too is stuck, for an operator to see.
      return error.code == .rejected && saga.step != .confirm
        ? .refused(Self.failure(error))
        : .failed(Self.failure(error), leavesNothing: !error.mayHaveTakenEffect)
    }
  }

  private func reserve(_ saga: Saga, _ context: CallContext) async throws -> StepOutcome {
    switch try await inventory.reserve(orderId: saga.orderId, lines: saga.lines, ttlSeconds: nil, context: context) {
    case .reserved(let reservation): return .reserved(reservationId: reservation.id)
    case .productsNotFound(let ids, let isConclusive):
      return .refused(
        "product_not_found", "The inventory does not know \(Self.list(ids.map(\.canonicalText))).",
        leavesNothing: isConclusive)
    case .insufficientStock(let shortages, let isConclusive):
      let texts = shortages.map { "\($0.available) of \($0.requested) of \($0.productId.canonicalText)" }
      return .refused(
        "insufficient_stock", "Available are \(Self.list(texts)).", leavesNothing: isConclusive)
    case .notPending(let status):
      return .refused("reservation_not_pending", "The order's reservation is \(status.rawValue) already.")
    case .expired: return .refused("reservation_expired", "The reservation's time ran out.")
    case .otherLines: return .refused("idempotency_key_reused", "The order has a reservation with other lines.")
    }
  }

  /// The key is the order's: a charge whose answer was lost is asked for again, and captured once.
  private func charge(_ saga: Saga, _ context: CallContext) async throws -> StepOutcome {
    let charge = Charge(
      orderId: saga.orderId, amount: saga.total.amount, currency: saga.total.currency, token: saga.paymentToken)
    let key = "order-\(saga.orderId.canonicalText)"
    switch try await payments.charge(charge, idempotencyKey: key, context: context) {
    case .captured(let paymentId): return .captured(paymentId: paymentId)
    case .declined(let detail): return .refused("payment_declined", detail)
    case .keyReused: return .refused("idempotency_key_reused", "The payment's key belongs to another charge.")
    }
  }

  private func confirm(_ saga: Saga, _ context: CallContext) async throws -> StepOutcome {
    guard let id = saga.reservationId else { preconditionFailure("a confirmation without a reservation") }
    switch try await inventory.confirm(reservationId: id, context: context) {
    case .confirmed: return .confirmed
    case .notFound: return .refused("reservation_not_found", "The reservation is not there any more.")
    case .notPending(let status):
      return .refused("reservation_not_pending", "The reservation is \(status.rawValue) already.")
    case .expired: return .refused("reservation_expired", "The reservation's time ran out before it was confirmed.")
    }
  }

  /// Gives back what was captured. Whether a charge with a lost answer was captured is not assumed but asked, with its key.
  private func refund(_ saga: Saga, _ context: CallContext) async throws -> StepOutcome {
    var payment = saga.paymentId
    if payment == nil {
      guard case .captured(let id) = try await charge(saga, context) else { return .refunded }
      payment = id
    }
    guard let payment else { return .refunded }
    switch try await payments.refund(paymentId: payment, context: context) {
    case .refunded: return .refunded
    case .notFound: return .refused("payment_not_found", "The provider does not know \(payment.canonicalText).")
    }
  }

  /// By the order, so that a reserve that is still on its way is refused when it arrives.
  private func release(_ saga: Saga, _ context: CallContext) async throws -> StepOutcome {
    switch try await inventory.release(orderId: saga.orderId, reason: saga.releaseReason, context: context) {
    case .ended, .notFound: return .released
    case .confirmed: return .refused("reservation_confirmed", "The stock has left, though the order is undone.")
    }
  }

  private static func failure(_ error: ServiceCallError) -> OrderFailure {
    let code =
      switch error.code {
      case .circuitOpen: "circuit_open"
      case .deadlineExceeded: "upstream_timeout"
      case .rejected: "upstream_rejected"
      default: "upstream_unavailable"
      }
    let detail =
      code == "upstream_rejected"
      ? "A service that the order needs does not take it as it is. Nothing is held or charged."
      : "A service that the order needs did not answer. Nothing is held or charged: order again later."
    return OrderFailure(code: code, detail: detail, cause: String("\(error)".prefix(500)))
  }

  private static func list(_ texts: [String]) -> String {
    texts.prefix(10).joined(separator: ", ") + (texts.count > 10 ? " and \(texts.count - 10) more" : "")
  }
}

extension StepOutcome {
  fileprivate static func refused(_ code: String, _ detail: String, leavesNothing: Bool = false) -> StepOutcome {
    .refused(OrderFailure(code: code, detail: detail), leavesNothing: leavesNothing)
  }
}

extension Saga {
  /// Why the stock is given back.
  fileprivate var releaseReason: InventoryReleaseReason {
    if ending == .cancelled { return .cancelled }
    switch failure?.code {
    case "payment_declined": return .paymentFailed
    case "upstream_timeout", "upstream_unavailable", "circuit_open": return .timeout
    default: return .orphan
    }
  }
}
