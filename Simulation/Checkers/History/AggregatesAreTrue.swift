/// An aggregate is what one snapshot of the tables gives; statistics may take a younger one for the reservations. One from
/// the cache is what a snapshot gave within the life of its value.
public final class AggregatesAreTrue: HistoryChecker {
  /// That aggregates are true.
  public let invariants: Set<Invariant> = [.aggregateIsTrue]

  private let staleness: Staleness

  /// A checker; it keeps nothing from answer to answer.
  ///
  /// - Parameter staleness: how old an aggregate may be; not at all without a cache.
  public init(staleness: Staleness = .none) { self.staleness = staleness }

  /// Looks for a moment of the request at which the tables give the aggregate that was answered.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard case .readAggregate(let aggregate) = record.operation, record.answer.status < 300 else { return nil }
    let earliest = staleness.earliest(record, life: staleness.aggregateLife)
    let span = shadow.moments(from: earliest, to: record.end)
    let moments = shadow.momentsOfItems(in: span)
    if moments.contains(where: { Self.isTrue(record.answer, aggregate, shadow, at: $0, before: span.upperBound) }) {
      return nil
    }
    let rows = shadow.items(at: span.upperBound).prefix(12).map { "at its end: \($0)" }
    let pending = "reservations pending while it was under way: \(shadow.pendingCounts(in: span))"
    return Violation(.aggregateIsTrue, [record.line, "items changed \(moments.count - 1) times", pending] + rows)
  }

  private static func isTrue(
    _ answer: ClientRecord.Answer, _ aggregate: ClientRecord.Aggregate, _ shadow: InventoryShadow, at moment: Int,
    before end: Int
  ) -> Bool {
    let items = shadow.items(at: moment)
    switch aggregate {
    case .lowStock(let threshold, let limit):
      // Rows of one rank come by product id, as `items` does.
      let low = items.enumerated().filter { $0.element.available <= threshold }
        .sorted { ($0.element.available, $0.offset) < ($1.element.available, $1.offset) }
      return answer.items == low.prefix(limit).map(\.element)
    case .mostReserved(let limit):
      let most = items.enumerated().filter { $0.element.reserved > 0 }
        .sorted { (-$0.element.reserved, $0.offset) < (-$1.element.reserved, $1.offset) }
      return answer.items == most.prefix(limit).map(\.element)
    case .stats:
      guard let told = answer.stats else { return false }
      let quantity = items.reduce(0) { $0 + $1.quantity }
      let reserved = items.reduce(0) { $0 + $1.reserved }
      return told.products == items.count && told.quantity == quantity && told.reserved == reserved
        && told.available == quantity - reserved && told.soldOut == items.count { $0.available == 0 }
        && shadow.pendingCounts(in: moment...end).contains(told.pendingReservations)
    }
  }
}
