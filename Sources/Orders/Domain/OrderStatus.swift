/// Where an order stands, as its customer sees it. `PENDING → RESERVED → PAID → CONFIRMED`, or `FAILED` or `CANCELLED`.
package enum OrderStatus: String, Sendable, Hashable, CaseIterable {
  case pending = "PENDING"
  case reserved = "RESERVED"
  case paid = "PAID"
  case confirmed = "CONFIRMED"
  case failed = "FAILED"
  case cancelled = "CANCELLED"

  /// Whether nothing comes after it.
  package var isFinal: Bool {
    switch self {
    case .pending, .reserved, .paid: false
    case .confirmed, .failed, .cancelled: true
    }
  }

  /// Its place on an order's way: an order enters each state once, and in this order.
  package var rank: Int {
    switch self {
    case .pending: 0
    case .reserved: 1
    case .paid: 2
    case .confirmed, .failed, .cancelled: 3
    }
  }
}

/// Why an order came to nothing, for its customer.
package struct OrderFailure: Sendable, Hashable {
  /// The stable name, one of the contract's codes: `insufficient_stock`.
  package var code: String
  /// What it was this time.
  package var detail: String
  /// What is for operators alone: it goes into the steps' table and the log, and not to the customer.
  package var cause: String?

  /// `detail` under `code`.
  package init(code: String, detail: String, cause: String? = nil) {
    self.code = code
    self.detail = detail
    self.cause = cause
  }
}
