import FoundationEssentials
import Seams
import ServiceKit

/// What became of a request to cancel an order.
enum CancelOutcome: Sendable, Hashable {
  /// It is being undone, or will be unless it is confirmed first; or it has been.
  case accepted(OrderStatus)
  case notFound
  /// It is over otherwise.
  case notCancellable(OrderStatus)
}

extension OrdersDatabase {
  /// Asks an order's saga to turn round. Repeating it changes nothing.
  func cancel(_ id: UUID, userId: String, deadline: MonotonicInstant) async throws -> CancelOutcome {
    try await pool.repeating(deadline: deadline) { connection, _ in
      let answers = try await connection.executeBatch(
        [TransactionSQL.begin, OrderSQL.lock(id)], deadline: deadline)
      guard let row = answers[1].rows.first, try row.decode("user_id", as: String.self) == userId else {
        return .notFound
      }
      let status = try OrderStatus(column: row.decode("status"))
      switch status {
      case .confirmed, .failed: return .notCancellable(status)
      case .cancelled: return .accepted(status)
      case .pending, .reserved, .paid: break
      }
      _ = try await connection.executeBatch(
        [OrderSQL.stop(id, reason: .cancelled), TransactionSQL.commit], deadline: deadline)
      return .accepted(status)
    }
  }

  /// Whether anything follows from an event: what the inventory tells of products, and of reservations that this service
  /// made or ended itself, is no news.
  static func isNews(_ event: CloudEvent) -> Bool {
    event.type == "InventoryConfirmed" || event.type == "InventoryReleased" && event.text("reason") == "expired"
  }

  /// What the inventory tells of an order's reservation, in the transaction that the inbox commits.
  static func take(
    _ event: CloudEvent, _ connection: any SQLConnection, _ deadline: MonotonicInstant
  ) async throws {
    switch event.type {
    case "InventoryReleased":
      let id = try event.orderId()
      _ = try await connection.executeBatch(
        [OrderSQL.lock(id), OrderSQL.stop(id, reason: .expired)], deadline: deadline)
    case "InventoryConfirmed":
      _ = try await connection.execute(OrderSQL.wake(try event.orderId()), deadline: deadline)
    default: break
    }
  }
}

extension CloudEvent {
  /// A text of the event's data.
  fileprivate func text(_ name: String) -> String? {
    guard case .object(let members) = data, case .string(let text) = members.first(where: { $0.name == name })?.value
    else { return nil }
    return text
  }

  /// The order that the event's data names.
  fileprivate func orderId() throws -> UUID {
    guard let id = text("orderId").flatMap({ UUID(text: $0) }) else {
      throw UnacceptableEvent("its data names no order")
    }
    return id
  }
}
