/// Rule 7: a refusal is an answer with its code, and never a server's failure; once every fault has healed, no request
/// fails.
public final class RefusalsAreNotFailures: HistoryChecker {
  /// What kind of error may be answered, and when.
  public let invariants: Set<Invariant> = [.noInternalError, .noFailureAfterHealing, .refusalHasCode, .refusalApplies]

  /// A checker; it keeps nothing from answer to answer.
  public init() {}

  /// Judges an answer of 400 or above by its status, its code and the request.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    let answer = record.answer
    if answer.status == 500 {
      return Violation(.noInternalError, [record.line])
    }
    if answer.status >= 500, record.afterHealing {
      return Violation(.noFailureAfterHealing, [record.line])
    }
    guard (400..<500).contains(answer.status) else { return nil }
    guard let code = answer.code else {
      return Violation(.refusalHasCode, [record.line])
    }
    if !Self.allowed(record.operation).contains(code) || Self.status(of: code) != answer.status {
      return Violation(.refusalApplies, [record.line])
    }
    return nil
  }

  /// The status that goes with a refusal's code (CONTRACT, "Errors").
  private static func status(of code: String) -> Int {
    switch code {
    case "product_not_found", "reservation_not_found": 404
    case "reservation_expired": 410
    default: 409
    }
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
    case .readItems, .readAggregate, .expire: []
    }
  }
}
