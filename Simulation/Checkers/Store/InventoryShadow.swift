public import FoundationEssentials
public import Seams

/// What the committed tables say, kept up to date from each commit, with the sums that the invariants compare, and what
/// they said at every earlier moment.
///
/// Checkers read it instead of the tables, so that a commit is judged by the rows it touched alone.
public final class InventoryShadow {
  @exclusivity(unchecked) public private(set) var items: [UUID: ItemRow] = [:]
  @exclusivity(unchecked) public private(set) var reservations: [UUID: ReservationRow] = [:]
  /// The reservations of each order, in the order in which they were made: one, unless an invariant broke.
  @exclusivity(unchecked) public private(set) var reservationsOfOrder: [UUID: [UUID]] = [:]
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
  /// The sequences of each subject's events, in the order in which they were written.
  @exclusivity(unchecked) public private(set) var sequences: [String: [Int]] = [:]

  /// The place of each reservation among those that its transaction made, in the order in which it made them.
  @exclusivity(unchecked) public private(set) var places: [UUID: Int] = [:]

  private let databaseEpoch: Timestamp
  @exclusivity(unchecked) private var commitTimes: [MonotonicInstant] = []
  @exclusivity(unchecked) private var itemHistory: [UUID: RowHistory<ItemRow>] = [:]
  @exclusivity(unchecked) private var reservationHistory: [UUID: RowHistory<ReservationRow>] = [:]
  @exclusivity(unchecked) private var pendingCount = 0
  @exclusivity(unchecked) private var pendingHistory = RowHistory<Int>()
  /// When replenishments were stored first, by product and ref.
  @exclusivity(unchecked) private var replenishedAt: [String: MonotonicInstant] = [:]
  /// Reservations by the moment at which they expired.
  @exclusivity(unchecked) private var expiries: [(moment: Int, reservation: UUID)] = []

  /// Empty tables of a database whose clock shows `databaseEpoch` at instant 0. It neither jumps nor drifts: clocks go
  /// wrong on the hosts of services alone.
  public init(databaseEpoch: Timestamp = Timestamp(microsecondsSinceEpoch: 0)) {
    self.databaseEpoch = databaseEpoch
  }

  /// Takes what a transaction changed.
  public func apply(_ commit: StoreCommit) {
    commitTimes.append(commit.time)
    for change in commit.items { applyItem(change) }
    for change in commit.lines {
      if let old = change.old { applyLine(old, sign: -1) }
      if let new = change.new { applyLine(new, sign: 1) }
    }
    for (place, change) in commit.reservations.enumerated() {
      if change.old == nil, let id = change.new?.id { places[id] = place }
      applyReservation(change)
    }
    for change in commit.movements {
      if let old = change.old { applyMovement(old, sign: -1) }
      if let new = change.new { applyMovement(new, sign: 1, at: commit.time) }
    }
    for event in commit.outbox { sequences[event.subject, default: []].append(event.sequence) }
  }

  /// The reservation of an order, `nil` when it has none.
  public func reservation(ofOrder id: UUID) -> UUID? { reservationsOfOrder[id]?.last }

  /// Pending reservations, oldest expiry first.
  public var pending: [ReservationRow] {
    reservations.values.filter(\.isPending).sorted { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }
  }

  /// When something was committed last.
  public var lastCommit: MonotonicInstant? { commitTimes.last }

  // MARK: - What was

  /// The number of commits so far: the latest moment.
  private var latest: Int { commitTimes.count }

  /// The moments from `start` to `end`: before the first commit in between, and after each.
  public func moments(from start: MonotonicInstant, to end: MonotonicInstant) -> ClosedRange<Int> {
    let first = commits(until: start)
    return first...max(first, commits(until: end))
  }

  /// What the row of a product was during `span`, one entry for each change.
  public func states(ofItem product: UUID, in span: ClosedRange<Int>) -> [ItemRow?] {
    itemHistory[product, default: RowHistory()].states(in: span).map(\.row)
  }

  /// What the row of a reservation was during `span`, one entry for each change.
  public func states(ofReservation id: UUID, in span: ClosedRange<Int>) -> [ReservationRow?] {
    reservationHistory[id, default: RowHistory()].states(in: span).map(\.row)
  }

  /// Whether a reservation was expired or, by the database's clock, past its time while it was pending, at some moment
  /// of `span`, which ends at `end`.
  public func wasOverdue(_ id: UUID, in span: ClosedRange<Int>, until end: MonotonicInstant) -> Bool {
    reservationHistory[id, default: RowHistory()].states(in: span).contains { state in
      guard let row = state.row else { return false }
      if row.status == "expired" { return true }
      let last = state.next.map { commitTimes[$0 - 1] } ?? end
      return row.isPending && row.expiresAt <= databaseTime(at: last)
    }
  }

  /// Whether `item` is a version of its row that was committed.
  public func wasCommitted(_ item: ItemRow) -> Bool {
    itemHistory[item.productId]?.versions.contains(item) == true
  }

  /// Every item at `moment`, by product id.
  public func items(at moment: Int) -> [ItemRow] {
    itemHistory.values.compactMap { $0.row(at: moment) }.sorted { $0.productId < $1.productId }
  }

  /// The moments of `span` at which items differ from before, the first moment included.
  public func momentsOfItems(in span: ClosedRange<Int>) -> [Int] {
    [span.lowerBound] + Set(itemHistory.values.flatMap { $0.changes(in: span) }).sorted()
  }

  /// How many reservations were pending during `span`, one entry for each change.
  public func pendingCounts(in span: ClosedRange<Int>) -> [Int] {
    pendingHistory.states(in: span).map { $0.row ?? 0 }
  }

  /// The reservations that expired after the first moment of `span` and within it.
  public func expired(in span: ClosedRange<Int>) -> [UUID] {
    let later = expiries.reversed().prefix { $0.moment > span.lowerBound }
    return later.filter { $0.moment <= span.upperBound }.map(\.reservation)
  }

  /// When the replenishment of `product` with `key` was stored; `nil` when it was not.
  public func replenished(_ product: UUID, key: String) -> MonotonicInstant? {
    replenishedAt["\(product) \(key)"]
  }

  /// When a reservation was first stored as `status`, whatever became of it later; `nil` when it never was.
  public func moment(reservation id: UUID, became status: String) -> MonotonicInstant? {
    let states = reservationHistory[id, default: RowHistory()].states(in: 0...latest)
    for (before, state) in zip(states, states.dropFirst()) where state.row?.status == status {
      return before.next.map { commitTimes[$0 - 1] }
    }
    return nil
  }

  /// The row of a product after everything that was committed until `instant`.
  public func item(_ product: UUID, at instant: MonotonicInstant) -> ItemRow? {
    itemHistory[product]?.row(at: commits(until: instant))
  }

  /// When the row of a product got `version`; `nil` when it never was committed with it.
  public func moment(item product: UUID, hadVersion version: Int) -> MonotonicInstant? {
    let states = itemHistory[product, default: RowHistory()].states(in: 0...latest)
    for (before, state) in zip(states, states.dropFirst()) where state.row?.version == version {
      return before.next.map { commitTimes[$0 - 1] }
    }
    return nil
  }

  private func databaseTime(at instant: MonotonicInstant) -> Timestamp {
    databaseEpoch.advanced(by: .nanoseconds(instant.nanoseconds))
  }

  private func commits(until instant: MonotonicInstant) -> Int {
    var low = 0
    var high = commitTimes.count
    while low < high {
      let middle = (low + high) / 2
      if commitTimes[middle] <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: - Taking changes

  private func applyItem(_ change: RowPair<ItemRow>) {
    guard let id = (change.new ?? change.old)?.productId else { return }
    items[id] = change.new
    itemHistory[id, default: RowHistory()].append(change.new, at: latest)
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
      if change.old == nil { reservationsOfOrder[new.orderId, default: []].append(new.id) }
      for line in lines[new.id] ?? [] { count(line, new.status, 1) }
      if new.status == "expired", change.old?.status != "expired" { expiries.append((latest, new.id)) }
    }
    if let id = (change.new ?? change.old)?.id {
      reservationHistory[id, default: RowHistory()].append(change.new, at: latest)
    }
    let before = pendingCount
    pendingCount += (change.new?.isPending == true ? 1 : 0) - (change.old?.isPending == true ? 1 : 0)
    if pendingCount != before { pendingHistory.append(pendingCount, at: latest) }
  }

  private func count(_ line: LineRow, _ status: String, _ sign: Int) {
    switch status {
    case "pending": pendingUnits[line.productId, default: 0] += sign * line.quantity
    case "confirmed": confirmedUnits[line.productId, default: 0] += sign * line.quantity
    default: break
    }
  }

  private func applyMovement(_ movement: MovementRow, sign: Int, at time: MonotonicInstant? = nil) {
    ledger[movement.productId, default: 0] += sign * movement.delta
    switch movement.reason {
    case "confirmed": ledgerOfConfirmations[movement.productId, default: 0] += sign * movement.delta
    case "replenished":
      let key = "\(movement.productId) \(movement.ref)"
      replenishments[key, default: 0] += sign
      if replenishedAt[key] == nil { replenishedAt[key] = time }
    default: break
    }
  }
}
