internal import FoundationEssentials

/// Rule 5, as far as the outbox: the transaction that changes a reservation or stock writes the event that tells of it,
/// no event tells of what did not happen, and the events of a subject are numbered in their order (CONTRACT, "Events").
public struct EventsTellEveryChange: StoreChecker {
  /// Foreign events, changes without an event, and sequences that do not rise.
  public let invariants: Set<Invariant> = [.eventOfItsTransaction, .changeHasItsEvent, .sequenceRises]

  /// A checker; it keeps nothing from commit to commit.
  public init() {}

  private struct Event: Hashable, Comparable {
    var subject: UUID
    var type: String

    static func < (left: Event, right: Event) -> Bool { (left.subject, left.type) < (right.subject, right.type) }
  }

  /// Compares the outbox rows of `commit` with the events that its changes call for, then the sequences of their
  /// subjects.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    var expected = Self.expected(of: commit)
    for row in commit.outbox {
      guard let subject = UUID(uuidString: row.subject),
        expected.removeValue(forKey: Event(subject: subject, type: row.type)) != nil
      else { return Violation(.eventOfItsTransaction, ["\(row)"]) }
    }
    if let (event, change) = expected.min(by: { $0.key < $1.key }) {
      return Violation(
        .changeHasItsEvent,
        [change, "no outbox row \(event.type) of \(event.subject)"] + commit.outbox.map(\.description))
    }
    for row in commit.outbox {
      let sequences = shadow.sequences[row.subject] ?? []
      if zip(sequences, sequences.dropFirst()).contains(where: { $0 >= $1 }) {
        return Violation(.sequenceRises, ["\(row)", "sequences of the subject: \(sequences)"])
      }
    }
    return nil
  }

  /// The events that a commit's changes call for, each with the change it tells of.
  private static func expected(of commit: StoreCommit) -> [Event: String] {
    var expected: [Event: String] = [:]
    for change in commit.reservations {
      guard let new = change.new, let type = event(old: change.old, new: new) else { continue }
      expected[Event(subject: new.id, type: type)] = "\(new)"
    }
    for change in commit.items {
      guard let old = change.old, let new = change.new, old.available > 0, new.available == 0 else { continue }
      expected[Event(subject: new.productId, type: "StockDepleted")] = "was: \(old), is: \(new)"
    }
    for change in commit.movements {
      guard change.old == nil, let new = change.new, new.delta > 0 else { continue }
      expected[Event(subject: new.productId, type: "StockReplenished")] = "\(new)"
    }
    return expected
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
