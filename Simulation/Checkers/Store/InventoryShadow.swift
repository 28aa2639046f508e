public import FoundationEssentials
public import Seams

/// What the committed tables say, kept up to date from each commit, with the sums that the invariants compare.
///
/// Checkers read it instead of the tables, so that a commit is judged by the rows it touched alone.
public final class InventoryShadow {
  /// A product's available units from one commit to the next.
  public struct AvailabilityStep: Sendable, Hashable {
    public var since: MonotonicInstant
    public var available: Int
  }

  @exclusivity(unchecked) public private(set) var items: [UUID: ItemRow] = [:]
  @exclusivity(unchecked) public private(set) var reservations: [UUID: ReservationRow] = [:]
  @exclusivity(unchecked) public private(set) var reservationOfOrder: [UUID: UUID] = [:]
  @exclusivity(unchecked) public private(set) var lines: [UUID: [LineRow]] = [:]
  /// Units in the lines of pending reservations, by product.
  @exclusivity(unchecked) public private(set) var pendingUnits: [UUID: Int] = [:]
  /// Units in the lines of confirmed reservations, by product.
  @exclusivity(unchecked) public private(set) var confirmedUnits: [UUID: Int] = [:]
  /// The sum of all movements, by product.
  @exclusivity(unchecked) public private(set) var ledger: [UUID: Int] = [:]
  /// The sum of the movements that confirmations made, by product.
  @exclusivity(unchecked) public private(set) var ledgerOfConfirmations: [UUID: Int] = [:]
  /// How often each replenishment is in the ledger, by product and ref.
  @exclusivity(unchecked) public private(set) var replenishments: [String: Int] = [:]
  @exclusivity(unchecked) private var availability: [UUID: [AvailabilityStep]] = [:]
  @exclusivity(unchecked) public private(set) var commitCount = 0

  /// Empty tables.
  public init() {}

  /// Takes what a transaction changed.
  public func apply(_ commit: StoreCommit) {
    commitCount += 1
    for change in commit.items { applyItem(change, at: commit.time) }
    for change in commit.lines {
      if let old = change.old { applyLine(old, sign: -1) }
      if let new = change.new { applyLine(new, sign: 1) }
    }
    for change in commit.reservations { applyReservation(change) }
    for change in commit.movements {
      if let old = change.old { applyMovement(old, sign: -1) }
      if let new = change.new { applyMovement(new, sign: 1) }
    }
  }

  /// The available units of a product during each part of the span `start` … `end`; empty for a product that did not
  /// exist in it.
  public func availability(of product: UUID, from start: MonotonicInstant, to end: MonotonicInstant) -> [Int] {
    guard let steps = availability[product] else { return [] }
    // The step that holds at `start` is the last one that began before it.
    var low = 0
    var high = steps.count
    while low < high {
      let middle = (low + high) / 2
      if steps[middle].since <= start { low = middle + 1 } else { high = middle }
    }
    return steps[max(0, low - 1)...].prefix { $0.since <= end }.map(\.available)
  }

  /// Pending reservations, oldest expiry first.
  public var pending: [ReservationRow] {
    reservations.values.filter(\.isPending).sorted { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }
  }

  private func applyItem(_ change: RowPair<ItemRow>, at time: MonotonicInstant) {
    guard let new = change.new else {
      if let old = change.old { items[old.productId] = nil }
      return
    }
    items[new.productId] = new
    if change.old?.available != new.available {
      availability[new.productId, default: []].append(AvailabilityStep(since: time, available: new.available))
    }
  }

  private func applyLine(_ line: LineRow, sign: Int) {
    if sign > 0 {
      lines[line.reservationId, default: []].append(line)
    } else {
      lines[line.reservationId]?.removeAll { $0 == line }
    }
    // Lines of a reservation that this commit inserts are counted with it.
    if let reservation = reservations[line.reservationId] { count(line, reservation.status, sign) }
  }

  private func applyReservation(_ change: RowPair<ReservationRow>) {
    if let old = change.old {
      for line in lines[old.id] ?? [] { count(line, old.status, -1) }
      reservations[old.id] = nil
    }
    if let new = change.new {
      reservations[new.id] = new
      reservationOfOrder[new.orderId] = new.id
      for line in lines[new.id] ?? [] { count(line, new.status, 1) }
    }
  }

  private func count(_ line: LineRow, _ status: String, _ sign: Int) {
    switch status {
    case "pending": pendingUnits[line.productId, default: 0] += sign * line.quantity
    case "confirmed": confirmedUnits[line.productId, default: 0] += sign * line.quantity
    default: break
    }
  }

  private func applyMovement(_ movement: MovementRow, sign: Int) {
    ledger[movement.productId, default: 0] += sign * movement.delta
    switch movement.reason {
    case "confirmed": ledgerOfConfirmations[movement.productId, default: 0] += sign * movement.delta
    case "replenished": replenishments["\(movement.productId) \(movement.ref)", default: 0] += sign
    default: break
    }
  }
}
