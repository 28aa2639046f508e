/// Rule 7: a refusal is an answer with its code, and never a server's failure; once every fault has healed, no request
/// fails.
public final class RefusalsAreNotFailures: HistoryChecker {
  public init() {}

  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    let answer = record.answer
    if answer.status == 500 {
      return Violation("no request is answered with an internal error", [record.line])
    }
    if answer.status >= 500, record.afterHealing {
      return Violation("no request fails once every fault has healed", [record.line])
    }
    guard (400..<500).contains(answer.status) else { return nil }
    guard let code = answer.code else {
      return Violation("a refusal says its code as problem+json", [record.line])
    }
    if !Self.allowed(record.operation).contains(code) {
      return Violation("a request is refused only for a reason that applies to it", [record.line])
    }
    return nil
  }

  /// The codes that a well-formed request may be refused with (CONTRACT, "Errors" and "Inventory").
  private static func allowed(_ operation: ClientRecord.Operation) -> [String] {
    switch operation {
    case .reserve:
      ["insufficient_stock", "product_not_found", "reservation_not_pending", "reservation_expired"]
    case .confirm: ["reservation_not_found", "reservation_not_pending", "reservation_expired"]
    case .release, .releaseOrder: ["reservation_not_found", "reservation_not_pending"]
    case .put: ["version_conflict", "quantity_below_reserved", "product_not_found"]
    case .replenish: ["product_not_found", "idempotency_key_in_use"]
    case .readItem: ["product_not_found"]
    case .readReservation: ["reservation_not_found"]
    case .readAggregate, .expire: []
    }
  }
}
