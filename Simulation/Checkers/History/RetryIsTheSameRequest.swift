internal import FoundationEssentials

/// Rule 8: however often and wherever a request is sent, one order gets one reservation.
public final class RetryIsTheSameRequest: HistoryChecker {
  private var first: [UUID: ClientRecord] = [:]

  /// That an order's clients are told one reservation.
  public let invariants: Set<Invariant> = [.retryIsTheSame]

  /// A checker that remembers the first answer to each order.
  public init() {}

  /// Compares the reservation of an answer with that of the first answer to the same order.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard case .reserve(let orderId, _) = record.operation, record.answer.status < 300 else { return nil }
    guard let earlier = first[orderId] else {
      first[orderId] = record
      return nil
    }
    guard earlier.answer.reservationId != record.answer.reservationId else { return nil }
    return Violation(.retryIsTheSame, [earlier.line, record.line])
  }
}
