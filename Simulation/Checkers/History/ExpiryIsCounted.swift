/// The expiry job counts no more than what expired while it ran, and the units of just these. Less may be its share:
/// instances run it side by side.
public final class ExpiryIsCounted: HistoryChecker {
  /// That the job counts what expired.
  public let invariants: Set<Invariant> = [.expiryIsCounted]

  /// A checker; it keeps nothing from answer to answer.
  public init() {}

  /// Compares the job's count and units with the reservations that expired while it ran.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard case .expire = record.operation, record.answer.status < 300 else { return nil }
    let span = shadow.moments(from: record.start, to: record.end)
    let units = shadow.expired(in: span).map { id in (shadow.lines[id] ?? []).reduce(0) { $0 + $1.quantity } }.sorted()
    if let count = record.answer.expired, let returned = record.answer.unitsReturned, (0...units.count).contains(count)
    {
      let least = units.prefix(count).reduce(0, +)
      let most = units.suffix(count).reduce(0, +)
      if (least...most).contains(returned) { return nil }
    }
    return Violation(
      .expiryIsCounted, [record.line, "expired while it ran: \(units.count) reservations, their units \(units)"])
  }
}
