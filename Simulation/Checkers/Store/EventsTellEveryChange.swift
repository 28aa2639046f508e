/// Rule 5, as far as the outbox: the transaction that changes a reservation writes the event that tells of it, and no
/// event tells of what did not happen.
public struct EventsTellEveryChange: StoreChecker {
  public init() {}

  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    var expected: [String: String] = [:]
    for change in commit.reservations {
      guard let new = change.new, let type = Self.event(old: change.old, new: new) else { continue }
      expected["\(type) \(new.id)".lowercased()] = "\(new)"
    }
    for row in commit.outbox where row.type.hasPrefix("InventoryRe") || row.type == "InventoryConfirmed" {
      if expected.removeValue(forKey: "\(row.type) \(row.subject)".lowercased()) == nil {
        return Violation("an event tells of a change of its own transaction", ["\(row)"])
      }
    }
    if let (event, row) = expected.min(by: { $0.key < $1.key }) {
      return Violation(
        "a change and its event are one transaction",
        [row, "no outbox row \(event)"] + commit.outbox.map(\.description))
    }
    return nil
  }

  /// The type of the event that a change calls for; none for a reservation that was released before it was made.
  private static func event(old: ReservationRow?, new: ReservationRow) -> String? {
    guard old?.status != new.status else { return nil }
    switch new.status {
    case "pending": return "InventoryReserved"
    case "confirmed": return "InventoryConfirmed"
    case "released", "expired": return old == nil ? nil : "InventoryReleased"
    default: return nil
    }
  }
}
