internal import FoundationEssentials
internal import HTTPTypes
internal import InventoryAPI
internal import Payments
internal import Seams
internal import ServiceKit

/// The client of the inventory with a planted bug in it.
struct SabotagedInventoryClient: InventoryAPI.InventoryClient {
  let base: any InventoryAPI.InventoryClient
  let sabotage: Set<PlantedBug.CallSabotage>
  let count: SabotageCount

  func reserve(
    orderId: UUID, lines: [InventoryLine], ttlSeconds: Int?, context: CallContext
  ) async throws -> ReserveResult {
    var lines = lines
    if sabotage.contains(.reservesFirstLineOnly), lines.count > 1 {
      lines = [lines[0]]
      count.add()
    }
    do {
      return try await base.reserve(orderId: orderId, lines: lines, ttlSeconds: ttlSeconds, context: context)
    } catch var error as ServiceCallError where sabotage.contains(.takesLostReserveForNone) {
      if error.mayHaveTakenEffect { count.add() }
      error.mayHaveTakenEffect = false
      throw error
    }
  }

  func confirm(reservationId: UUID, context: CallContext) async throws -> ConfirmResult {
    guard sabotage.contains(.confirmsWithoutAsking) else {
      return try await base.confirm(reservationId: reservationId, context: context)
    }
    count.add()
    return .confirmed(
      InventoryReservation(
        id: reservationId, orderId: reservationId, status: .confirmed,
        expiresAt: Timestamp(microsecondsSinceEpoch: 0), lines: []))
  }

  func release(
    reservationId: UUID, reason: InventoryReleaseReason, context: CallContext
  ) async throws -> ReleaseResult {
    try await base.release(reservationId: reservationId, reason: reason, context: context)
  }

  func release(
    orderId: UUID, reason: InventoryReleaseReason, context: CallContext
  ) async throws -> ReleaseResult {
    let isForgotten =
      sabotage.contains(.releasesWithoutAsking) || sabotage.contains(.forgetsLateReserves) && reason == .timeout
    guard isForgotten else { return try await base.release(orderId: orderId, reason: reason, context: context) }
    count.add()
    return .notFound
  }

  func reservation(id: UUID, context: CallContext) async throws -> InventoryReservation? {
    try await base.reservation(id: id, context: context)
  }

  func items(ids: [UUID], context: CallContext) async throws -> [StockLevel] {
    try await base.items(ids: ids, context: context)
  }

  func create(productId: UUID, quantity: Int, context: CallContext) async throws -> CreateStockResult {
    try await base.create(productId: productId, quantity: quantity, context: context)
  }
}

/// The client of the payment provider with a planted bug in it.
struct SabotagedPaymentProvider: PaymentProvider {
  let base: any PaymentProvider
  let sabotage: Set<PlantedBug.CallSabotage>
  let entropy: any EntropySource
  let count: SabotageCount

  func charge(_ charge: Charge, idempotencyKey: String, context: CallContext) async throws -> ChargeResult {
    var charge = charge
    if sabotage.contains(.chargesHalf) {
      charge.amount /= 2
      count.add()
    }
    do {
      let result = try await base.charge(charge, idempotencyKey: idempotencyKey, context: context)
      guard case .declined = result, sabotage.contains(.takesDeclineForCapture) else { return result }
      count.add()
      return .captured(paymentId: entropy.uuid())
    } catch is ServiceCallError where sabotage.contains(.takesLostChargeForDeclined) {
      count.add()
      return .declined(detail: "It did not answer.")
    }
  }

  func refund(paymentId: UUID, context: CallContext) async throws -> RefundResult {
    guard sabotage.contains(.refundsWithoutAsking) else {
      return try await base.refund(paymentId: paymentId, context: context)
    }
    count.add()
    return .refunded
  }

  func payments(orderId: UUID, context: CallContext) async throws -> [Payment] {
    try await base.payments(orderId: orderId, context: context)
  }
}

/// A client library that takes every answer but 2xx for a failure of the service.
struct RefusalsAreFailures: HTTPTransport {
  let base: any HTTPTransport
  let count: SabotageCount

  func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    var response = try await base.send(request, deadline: deadline)
    guard [404, 409, 410].contains(response.head.status.code) else { return response }
    count.add()
    response.head.status = .internalServerError
    return response
  }
}
