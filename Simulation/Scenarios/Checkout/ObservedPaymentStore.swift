internal import FoundationEssentials
internal import Payments

/// What the payment provider remembers: its disk, which outlives its process, and which tells what changes on it.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class ObservedPaymentStore: PaymentStore, @unchecked Sendable {
  private let base = InMemoryPaymentStore()
  /// Called when a payment was captured for the first time.
  var onCapture: () -> Void = {}
  /// Called when a payment was refunded.
  var onRefund: () -> Void = {}

  func begin(key: String, hash: [UInt8]) async -> ChargeAttempt { base.begin(key: key, hash: hash) }

  func capture(_ payment: Payment, key: String) async -> Payment {
    let captured = base.capture(payment, key: key)
    if captured == payment { onCapture() }
    return captured
  }

  func refund(_ id: UUID) async -> Payment? {
    let refunded = base.refund(id)
    if refunded != nil { onRefund() }
    return refunded
  }

  func payments(orderId: UUID) async -> [Payment] { base.payments(orderId: orderId) }

  /// The payments of an order, oldest first.
  func payments(of orderId: UUID) -> [Payment] { base.payments(orderId: orderId) }
}
