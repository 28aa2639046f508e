import FoundationEssentials
import Payments
import Seams
import ServiceKit

/// A payment provider that keeps captures by key and does what a test says.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class ScriptedPayments: PaymentProvider, @unchecked Sendable {
  /// Captures by idempotency key, in no order.
  var captures: [String: Payment] = [:]
  /// Troubles of the next calls, by the call's name.
  var troubles: [String: [ScriptedInventory.Trouble]] = [:]
  /// The calls in their order: `charge`, `refund`.
  var calls: [String] = []
  /// What runs before a call takes effect.
  var during: (@Sendable (String) async throws -> Void)?
  /// What runs when it has.
  var after: (@Sendable (String) async throws -> Void)?

  /// The status of each payment, sorted.
  var statuses: [String] { captures.values.map(\.status.rawValue).sorted() }

  private func call<R>(_ name: String, _ act: () -> R) async throws -> R {
    calls.append(name)
    try await during?(name)
    guard let trouble = troubles[name]?.first else {
      let result = act()
      try await after?(name)
      return result
    }
    troubles[name]?.removeFirst()
    switch trouble {
    case .failure(let code): throw ServiceCallError(code, "as the test says")
    case .lostAnswer:
      _ = act()
      throw ServiceCallError(.connectionLost, "as the test says")
    }
  }

  func charge(_ charge: Charge, idempotencyKey: String, context: CallContext) async throws -> ChargeResult {
    try await call("charge") {
      if charge.token == "tok_declined" { return .declined(detail: "The card was declined.") }
      if let known = captures[idempotencyKey] { return .captured(paymentId: known.id) }
      let payment = Payment(
        id: UUID(high: 0x4000, low: 0x9000_0000_0000_0000 | UInt64(captures.count)), orderId: charge.orderId,
        amount: charge.amount, currency: charge.currency, status: .captured)
      captures[idempotencyKey] = payment
      return .captured(paymentId: payment.id)
    }
  }

  func refund(paymentId: UUID, context: CallContext) async throws -> RefundResult {
    try await call("refund") {
      guard let key = captures.first(where: { $0.value.id == paymentId })?.key else { return .notFound }
      captures[key]?.status = .refunded
      return .refunded
    }
  }

  func payments(orderId: UUID, context: CallContext) async throws -> [Payment] {
    captures.values.filter { $0.orderId == orderId }
  }
}
