internal import FoundationEssentials

/// Rule 5, as far as the outbox: the transaction that changes a reservation writes the event that tells of it, and no
/// event tells of what did not happen.
public struct EventsTellEveryChange: StoreChecker {
  public init() {}

  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    var expected: [UUID: (type: String, row: ReservationRow)] = [:]
    for change in commit.reservations {
      guard let new = change.new, let type = Self.event(old: change.old, new: new) else { continue }
      expected[new.id] = (type, new)
    }
    for row in commit.outbox where row.type.hasPrefix("InventoryRe") || row.type == "InventoryConfirmed" {
      guard let id = UUID(uuidString: row.subject), expected[id]?.type == row.type else {
        return Violation("an event tells of a change of its own transaction", ["\(row)"])
      }
      expected[id] = nil
    }
    if let (id, missing) = expected.min(by: { $0.key < $1.key }) {
      return Violation(
        "a change and its event are one transaction",
        ["\(missing.row)", "no outbox row \(missing.type) of \(id)"] + commit.outbox.map(\.description))
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
