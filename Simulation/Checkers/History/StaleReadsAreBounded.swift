/// Rule 6: a read may be stale, but no older than the cache lets a value become; without a cache not at all.
public final class StaleReadsAreBounded: HistoryChecker {
  public let invariants: Set<Invariant> = [.staleReadIsBounded]

  private let staleness: Staleness

  public init(staleness: Staleness = .none) { self.staleness = staleness }

  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    let items: [ItemRow]
    switch record.operation {
    case .readItem: items = record.answer.item.map { [$0] } ?? []
    case .readItems: items = record.answer.items ?? []
    default: return nil
    }
    let earliest = staleness.earliest(record, life: staleness.itemLife)
    let span = shadow.moments(from: earliest, to: record.end)
    for item in items {
      let states = shadow.states(ofItem: item.productId, in: span)
      guard !states.contains(item) else { continue }
      return Violation(
        .staleReadIsBounded,
        [record.line, "told: \(item)"] + states.prefix(12).map { "since then: \($0?.description ?? "no row")" })
    }
    return nil
  }
}
