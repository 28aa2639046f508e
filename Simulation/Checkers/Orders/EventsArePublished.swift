internal import FoundationEssentials

/// Rule 5, at the broker: every committed event is published, nothing is published that was not committed, and the first
/// copies of a subject's events arrive in their order.
public struct EventsArePublished: OrderChecker, Sendable {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.everyEventIsPublished, .publishedWasCommitted, .subjectOrderIsKept]

  /// A checker; it keeps nothing.
  public init() {}

  /// Compares the outboxes with what reached a queue that takes all.
  public func judgeAtRest(_ shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    let events = shadow.outbox + around.stockEvents
    var committed: [UUID: OutboxRow] = [:]
    for event in events { committed[event.id] = event }
    var seen: Set<UUID> = []
    var latest: [String: OutboxRow] = [:]
    for told in around.published where !around.foreign.contains(told.id) && seen.insert(told.id).inserted {
      guard let event = committed[told.id] else {
        return Violation(.publishedWasCommitted, ["\(told) is in no outbox"])
      }
      let written = PublishedEvent(
        id: event.id, type: event.type, subject: event.subject.lowercased(), sequence: event.sequence)
      if told != written { return Violation(.publishedWasCommitted, ["written: \(written)", "published: \(told)"]) }
      if let before = latest[event.subject], before.sequence > event.sequence {
        return Violation(.subjectOrderIsKept, ["first: \(before)", "then: \(event)"])
      }
      latest[event.subject] = event
    }
    let missing = events.filter { !seen.contains($0.id) }
    return missing.isEmpty ? nil : Violation(.everyEventIsPublished, missing.prefix(5).map(\.description))
  }
}
