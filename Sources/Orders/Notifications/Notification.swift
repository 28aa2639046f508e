import FoundationEssentials
import NIOCore
import Seams
import ServiceKit

/// What a customer is told of.
enum NotificationType: String, Sendable, Hashable, CaseIterable {
  case orderConfirmed = "order_confirmed"
  case orderFailed = "order_failed"
  case orderCancelled = "order_cancelled"

  /// The state that the order came to.
  var status: OrderStatus {
    switch self {
    case .orderConfirmed: .confirmed
    case .orderFailed: .failed
    case .orderCancelled: .cancelled
    }
  }
}

/// What one customer is to be told, as the transaction wrote it that ended the order.
struct Notification: Sendable, Hashable {
  /// By which a receiver knows that it has seen it before.
  var id: UUID
  var type: NotificationType
  var orderId: UUID
  var userId: String
  /// What is told of the order, as JSON: the data of its last event.
  var data: String
  var createdAt: Timestamp
  var correlationId: UUID
  /// How often it was claimed, this time included. It names the claim.
  var attempts: Int

  /// The body of a request: `{id, type, orderId, userId, status, total, currency, failure?, createdAt}`, the same bytes
  /// in each attempt.
  ///
  /// - Throws: the problem with ``data``.
  func body() throws(Problem) -> ByteBuffer {
    let order = try StrictJSON.parse(data)
    var json = JSONWriter(capacity: 384)
    json.object { json in
      json.member("id", id)
      json.member("type", type.rawValue)
      json.member("orderId", orderId)
      json.member("userId", userId)
      json.member("status", type.status.rawValue)
      json.member("total", order["total"] ?? .null)
      json.member("currency", order["currency"] ?? .null)
      if let failure = order["failure"] { json.member("failure", failure) }
      json.member("createdAt", createdAt)
    }
    return json.buffer
  }
}

extension Notification {
  /// From a row of ``NotificationSQL/claim(_:lease:)``.
  init(row: SQLRow) throws {
    id = try row.decode("id")
    type = try NotificationType(column: row.decode("type"), named: "type")
    orderId = try row.decode("order_id")
    userId = try row.decode("user_id")
    data = try row.decode("data")
    createdAt = try row.decode("created_at")
    correlationId = try row.decode("correlation_id")
    attempts = try row.decode("attempts")
  }
}
