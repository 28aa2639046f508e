package import FoundationEssentials
import HTTPTypes
package import ServiceKit

/// A payment provider over HTTP, with the interface of the sandbox.
package struct HTTPPaymentProvider: PaymentProvider {
  /// The name under which `ServicePeer` knows the provider.
  package static let serviceName = "payments"

  private let charge, refund, list: ServiceEndpoint

  /// The provider `peer`.
  package init(peer: ServicePeer) {
    charge = peer.endpoint("charge")
    refund = peer.endpoint("refund")
    list = peer.endpoint("payments")
  }

  package func charge(
    _ charge: Charge, idempotencyKey: String, context: CallContext
  ) async throws -> ChargeResult {
    precondition(IdempotencyKey.isValid(idempotencyKey), "an idempotency key has 1 to 255 printable characters")
    var body = JSONWriter(capacity: 192)
    body.object { json in
      json.member("orderId", charge.orderId)
      json.member("amount", charge.amount)
      json.member("currency", charge.currency)
      json.member("token", charge.token)
    }
    let call = ServiceCall<ChargeResult>(
      .post, "/payments", body: body, fields: [.idempotencyKey: idempotencyKey], isIdempotent: true
    ) { (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (200, _): .done(.captured(paymentId: try answer.paymentId(status: .captured)))
      case (402, "payment_declined"): .refused(.declined(detail: answer.detail))
      case (422, "idempotency_key_reused"): .refused(.keyReused)
      default: .unknown
      }
    }
    return try await self.charge.call(call, context)
  }

  package func refund(paymentId: UUID, context: CallContext) async throws -> RefundResult {
    let path = "/payments/\(paymentId.canonicalText)/refund"
    let call = ServiceCall<RefundResult>(.post, path, isIdempotent: true) { (answer) throws(Problem) in
      switch (answer.status, answer.code) {
      case (200, _):
        guard try answer.paymentId(status: .refunded) == paymentId else {
          throw .validationFailed("paymentId", "expected the one that was asked for")
        }
        return .done(.refunded)
      case (404, "payment_not_found"): return .refused(.notFound)
      default: return .unknown
      }
    }
    return try await refund.call(call, context)
  }

  package func payments(orderId: UUID, context: CallContext) async throws -> [Payment] {
    let path = "/payments?orderId=\(orderId.canonicalText)"
    let call = ServiceCall<[Payment]>(.get, path, isIdempotent: true) { (answer) throws(Problem) in
      guard answer.status == 200 else { return .unknown }
      let reader = try answer.reader()
      let payments = reader.objects("items", count: 0...10_000) { $0.payment(of: orderId) }
      try reader.finish()
      return .done(payments)
    }
    return try await list.call(call, context)
  }
}

extension ServiceAnswer {
  /// The payment of `{paymentId, status}`, which must stand where `status` says.
  fileprivate func paymentId(status: Payment.Status) throws(Problem) -> UUID {
    let reader = try reader()
    let id = reader.uuid("paymentId")
    _ = reader.choice("status", of: [status.rawValue])
    try reader.finish()
    return id
  }
}

extension ObjectReader {
  fileprivate func payment(of orderId: UUID) -> Payment {
    let payment = Payment(
      id: uuid("paymentId"), orderId: uuid("orderId"), amount: integer("amount", in: 1...Int.max),
      currency: string("currency", length: 3...3),
      status: Payment.Status(rawValue: choice("status", of: Payment.Status.allCases.map(\.rawValue))) ?? .captured)
    if payment.orderId != orderId { fail("orderId", "expected the one that was asked for") }
    return payment
  }
}
