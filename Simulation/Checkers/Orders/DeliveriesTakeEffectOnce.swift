internal import FoundationEssentials

/// Rule 5, at the consumer: an event takes effect once, however often it is delivered; one that is given up after at most
/// five attempts is among the dead letters, by the same transaction; at rest none is missing.
public struct DeliveriesTakeEffectOnce: OrderChecker, Sendable {
  /// How often an event's handling is begun at most; once more is counted when the last one took its consumer down.
  private static let mostAttempts = 6

  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.takesEffectOnce, .deadLetterIsStored, .everyEventArrives]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges every change of what was received.
  public func judge(_ commit: OrdersCommit, in shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    for change in commit.inbox {
      if let old = change.old, let processed = old.processedAt, change.new?.processedAt != processed {
        return Violation(.takesEffectOnce, ["was: \(old)", "is: \(change.new.map { "\($0)" } ?? "deleted")"])
      }
      guard let new = change.new else { continue }
      if new.attempts > Self.mostAttempts {
        return Violation(.takesEffectOnce, ["attempts without end: \(new)"])
      }
      guard new.deadAt != nil, change.old?.deadAt == nil else { continue }
      let letter = shadow.deadLetters.values.first { $0.eventId == new.eventId && $0.resolution == nil }
      guard let letter, !letter.reason.isEmpty else {
        return Violation(.deadLetterIsStored, ["\(new)", "no dead letter holds it, or it says no reason"])
      }
    }
    return nil
  }

  /// Compares what the inventory has committed with what has arrived.
  public func judgeAtRest(_ shadow: OrdersShadow, _ around: OrderSurroundings) -> Violation? {
    if let queue = around.waiting.first(where: { $0.count > 0 }) {
      return Violation(.everyEventArrives, ["\(queue.count) messages wait in \(queue.queue)"])
    }
    let lost = around.stockEvents.filter { event in
      guard around.handledTypes.contains(event.type) else { return false }
      let row = shadow.inbox[event.id]
      return row?.processedAt == nil && row?.deadAt == nil
    }
    guard lost.isEmpty else {
      return Violation(
        .everyEventArrives,
        lost.prefix(5).map { "\($0), \(shadow.inbox[$0.id].map { "\($0)" } ?? "never received")" })
    }
    return nil
  }
}
