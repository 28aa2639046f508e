package import FoundationEssentials
internal import InventoryAPI
package import Seams
internal import ServiceKit

/// A request to make an order, validated.
package struct NewOrder: Sendable, Hashable {
  /// The id that the order gets, if it is made.
  package var id: UUID
  /// Whose order.
  package var userId: String
  /// The caller's `Idempotency-Key`, which belongs to the user.
  package var key: String
  /// What is ordered.
  package var lines: OrderLines
  /// Stands for the customer's means of payment.
  package var paymentToken: String
  /// Goes into events and calls.
  package var correlationId: UUID
  /// When the request arrived.
  package var arrival: MonotonicInstant

  /// A request; see each member.
  package init(
    id: UUID, userId: String, key: String, lines: OrderLines, paymentToken: String, correlationId: UUID,
    arrival: MonotonicInstant
  ) {
    self.id = id
    self.userId = userId
    self.key = key
    self.lines = lines
    self.paymentToken = paymentToken
    self.correlationId = correlationId
    self.arrival = arrival
  }

  /// SHA-256 of the validated request with sorted keys (CONTRACT, `idempotency_key_reused`).
  package var hash: [UInt8] {
    var json = JSONWriter(capacity: 96 + 80 * lines.lines.count)
    json.object { json in
      json.member("items", in: lines.lines) { json, line in
        json.object { json in
          json.member("productId", line.productId)
          json.member("quantity", line.quantity)
        }
      }
      json.member("paymentToken", paymentToken)
    }
    return RequestHash.sha256(json.buffer)
  }
}

/// What became of a request to make an order. A refusal is a result, not an error.
package enum CreateOutcome: Sendable, Hashable {
  /// The order that the key stands for, made now or by an earlier request.
  case accepted(orderId: UUID, total: Money, isReplay: Bool)
  /// Products that do not exist.
  case productNotFound([UUID])
  /// The products' prices are in several currencies, or their sum has no room.
  case noTotal
  /// The key belongs to another request.
  case keyReused
  /// Another request with the key has been under way for too long.
  case keyInUse
}
