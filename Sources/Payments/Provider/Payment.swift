package import FoundationEssentials

/// An amount to capture for an order.
package struct Charge: Sendable, Hashable {
  /// The order.
  package var orderId: UUID
  /// In minor units of `currency`, at least 1.
  package var amount: Int
  /// An ISO 4217 code: three upper-case letters.
  package var currency: String
  /// Stands for the customer's means of payment.
  package var token: String

  /// A charge of `amount` minor units.
  package init(orderId: UUID, amount: Int, currency: String, token: String) {
    self.orderId = orderId
    self.amount = amount
    self.currency = currency
    self.token = token
  }
}

/// An amount that was captured.
package struct Payment: Sendable, Hashable {
  /// Where a payment stands. `captured → refunded`.
  package enum Status: String, Sendable, Hashable, CaseIterable {
    case captured, refunded
  }

  /// The payment's id.
  package var id: UUID
  /// The order it is for.
  package var orderId: UUID
  /// In minor units of `currency`.
  package var amount: Int
  /// An ISO 4217 code.
  package var currency: String
  /// Where it stands.
  package var status: Status

  /// A payment.
  package init(id: UUID, orderId: UUID, amount: Int, currency: String, status: Status) {
    self.id = id
    self.orderId = orderId
    self.amount = amount
    self.currency = currency
    self.status = status
  }
}
