import FoundationEssentials
import InventoryAPI
import Seams
import ServiceKit

/// An inventory that keeps reservations and does what a test says.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class ScriptedInventory: InventoryClient, @unchecked Sendable {
  /// How a call goes wrong.
  enum Trouble {
    /// Nothing happens, and the call fails.
    case failure(ServiceCallError.Code)
    /// It happens, and the call fails.
    case lostAnswer
  }

  var reservations: [UUID: InventoryReservation] = [:]
  /// What comes of the next reserves, until they are used up; then all succeed.
  var reserveResults: [ReserveResult] = []
  /// What comes of the next confirmations.
  var confirmResults: [ConfirmResult] = []
  /// How many releases are refused.
  var releaseRefusals = 0
  /// Troubles of the next calls, by the call's name.
  var troubles: [String: [Trouble]] = [:]
  /// The calls in their order: `reserve`, `confirm`, `release cancelled`.
  var calls: [String] = []
  /// How long each call takes.
  var takes: Duration = .milliseconds(5)
  /// What runs before a call takes effect.
  var during: (@Sendable (String) async throws -> Void)?
  /// What runs when it has.
  var after: (@Sendable (String) async throws -> Void)?
  var clock: (any MonotonicClock)?

  private var made: UInt64 = 0

  private func call<R>(_ name: String, _ act: () -> R) async throws -> R {
    calls.append(name)
    try await during?(name)
    if let clock { try await clock.sleep(until: clock.now.advanced(by: takes), tolerance: nil) }
    let word = String(name.split(separator: " ")[0])
    guard let trouble = troubles[word]?.first else {
      let result = act()
      try await after?(name)
      return result
    }
    troubles[word]?.removeFirst()
    switch trouble {
    case .failure(let code): throw ServiceCallError(code, "as the test says")
    case .lostAnswer:
      _ = act()
      throw ServiceCallError(.connectionLost, "as the test says")
    }
  }

  func reserve(
    orderId: UUID, lines: [InventoryLine], ttlSeconds: Int?, context: CallContext
  ) async throws -> ReserveResult {
    try await call("reserve") {
      if !reserveResults.isEmpty { return reserveResults.removeFirst() }
      if let known = reservations[orderId] {
        return known.status == .released ? .notPending(.released) : .reserved(known)
      }
      made += 1
      let reservation = InventoryReservation(
        id: UUID(high: 0x4000, low: 0x8000_0000_0000_0000 | made), orderId: orderId, status: .pending,
        expiresAt: Timestamp(microsecondsSinceEpoch: 0), lines: lines)
      reservations[orderId] = reservation
      return .reserved(reservation)
    }
  }

  func confirm(reservationId: UUID, context: CallContext) async throws -> ConfirmResult {
    try await call("confirm") {
      if !confirmResults.isEmpty { return confirmResults.removeFirst() }
      guard var known = reservations.values.first(where: { $0.id == reservationId }) else { return .notFound }
      guard known.status == .pending || known.status == .confirmed else { return .notPending(known.status) }
      known.status = .confirmed
      reservations[known.orderId] = known
      return .confirmed(known)
    }
  }

  func release(
    reservationId: UUID, reason: InventoryReleaseReason, context: CallContext
  ) async throws -> ReleaseResult {
    preconditionFailure("a saga releases by its order")
  }

  func release(orderId: UUID, reason: InventoryReleaseReason, context: CallContext) async throws -> ReleaseResult {
    try await call("release \(reason.rawValue)") {
      var known =
        reservations[orderId]
        ?? InventoryReservation(
          id: UUID(high: 0x4000, low: 0), orderId: orderId, status: .released,
          expiresAt: Timestamp(microsecondsSinceEpoch: 0), lines: [])
      if known.status == .confirmed { return .confirmed }
      if releaseRefusals > 0 {
        releaseRefusals -= 1
        return .confirmed
      }
      known.status = .released
      reservations[orderId] = known
      return .ended(known)
    }
  }

  func reservation(id: UUID, context: CallContext) async throws -> InventoryReservation? {
    reservations.values.first { $0.id == id }
  }

  func items(ids: [UUID], context: CallContext) async throws -> [StockLevel] { [] }

  func create(productId: UUID, quantity: Int, context: CallContext) async throws -> CreateStockResult {
    .exists(version: 1)
  }
}
