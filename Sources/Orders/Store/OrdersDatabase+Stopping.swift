import FoundationEssentials
import InventoryAPI
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

  /// What follows from an event of the inventory.
  private enum News {
    /// Nothing: it tells of a product, or of a reservation that this service made or ended itself.
    case none
    case confirmed(UUID)
    case expired(UUID)

    /// - Throws: `UnacceptableEvent` when its data is not what the contract says.
    init(_ event: CloudEvent) throws {
      switch event.type {
      case "InventoryConfirmed": self = .confirmed(try event.id("orderId", of: "order"))
      case "InventoryReserved":
        _ = try event.id("orderId", of: "order")
        self = .none
      case "InventoryReleased":
        let id = try event.id("orderId", of: "order")
        guard let reason = event.text("reason"), InventoryReleaseReason(rawValue: reason) != nil || reason == "expired"
        else { throw UnacceptableEvent("its data names no reason that there is") }
        self = reason == "expired" ? .expired(id) : .none
      default:
        _ = try event.id("productId", of: "product")
        self = .none
      }
    }
  }

  /// Whether anything follows from an event; what is malformed is for ``take(_:_:_:)`` to reject.
  static func isNews(_ event: CloudEvent) -> Bool {
    if let news = try? News(event), case .none = news { return false }
    return true
  }

  /// What the inventory tells of an order's reservation, in the transaction that the inbox commits.
  static func take(
    _ event: CloudEvent, _ connection: any SQLConnection, _ deadline: MonotonicInstant
  ) async throws {
    switch try News(event) {
    case .expired(let id):
      _ = try await connection.executeBatch(
        [OrderSQL.lock(id), OrderSQL.stop(id, reason: .expired)], deadline: deadline)
    case .confirmed(let id): _ = try await connection.execute(OrderSQL.wake(id), deadline: deadline)
    case .none: break
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

  /// An id in the event's data.
  fileprivate func id(_ name: String, of what: String) throws -> UUID {
    guard let id = text(name).flatMap({ UUID(text: $0) }) else {
      throw UnacceptableEvent("its data names no \(what)")
    }
    return id
  }
}
