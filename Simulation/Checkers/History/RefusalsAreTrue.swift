internal import FoundationEssentials
internal import Seams

/// A request is refused only for what was so at some moment while it was under way. What is over is judged by the
/// database's clock, which decides it; clocks of services and clients may be wrong.
public final class RefusalsAreTrue: HistoryChecker {
  /// One invariant for each reason for a refusal.
  public let invariants: Set<Invariant> = [
    .stockWasShort, .rowWasAbsent, .reservationHadEnded, .reservationWasOverdue, .versionHadChanged, .moreWasReserved,
    .keyWasInUse,
  ]

  /// A checker; it keeps nothing from answer to answer.
  public init() {}

  /// Looks for a moment of the request at which what the refusal's code says was so.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    let span = shadow.moments(from: record.start, to: record.end)
    switch record.answer.code {
    case "insufficient_stock": return Self.shortage(record, shadow, span)
    case "product_not_found": return Self.unknownProduct(record, shadow, span)
    case "reservation_not_found":
      let states = Self.reservation(record.operation, shadow).map { shadow.states(ofReservation: $0, in: span) }
      guard let states, !states.contains(where: { $0 == nil }) else { return nil }
      return Violation(.rowWasAbsent, [record.line] + Self.evidence(states))
    case "reservation_not_pending": return Self.ended(record, shadow, span)
    case "reservation_expired":
      guard let id = Self.reservation(record.operation, shadow), shadow.wasOverdue(id, in: span, until: record.end)
      else { return Violation(.reservationWasOverdue, [record.line] + Self.reservations(record, shadow, span)) }
      return nil
    case "version_conflict": return Self.conflict(record, shadow, span)
    case "quantity_below_reserved": return Self.belowReserved(record, shadow, span)
    case "idempotency_key_in_use": return Self.keyInUse(record, shadow)
    default: return nil
    }
  }

  // MARK: Stock

  private static func shortage(
    _ record: ClientRecord, _ shadow: InventoryShadow, _ span: ClosedRange<Int>
  ) -> Violation? {
    guard case .reserve(_, let lines) = record.operation else { return nil }
    let shortages = record.answer.shortages
    if shortages.isEmpty { return Violation(.stockWasShort, [record.line, "it names no shortage"]) }
    for shortage in shortages {
      guard lines.contains(.init(productId: shortage.productId, quantity: shortage.requested)) else {
        return Violation(
          .stockWasShort, [record.line, "no line asks for \(shortage.requested) of \(shortage.productId)"])
      }
      // What is available changes from one request of a batch to the next, and only the last change is committed.
      let seen = shadow.states(ofItem: shortage.productId, in: span).compactMap { $0?.available }
      guard let least = seen.min(), let most = seen.max(), least < shortage.requested,
        shortage.available < shortage.requested, (least...most).contains(shortage.available)
      else {
        return Violation(
          .stockWasShort, [record.line, "available of \(shortage.productId) while it was under way: \(seen)"])
      }
    }
    return nil
  }

  private static func unknownProduct(
    _ record: ClientRecord, _ shadow: InventoryShadow, _ span: ClosedRange<Int>
  ) -> Violation? {
    let unknown = record.answer.unknownProducts
    let asked: [UUID] =
      switch record.operation {
      case .reserve(_, let lines): lines.map(\.productId)
      case .put(let id, _, _), .replenish(let id, _, _), .readItem(let id): [id]
      default: []
      }
    if unknown.isEmpty { return Violation(.rowWasAbsent, [record.line, "it names no product"]) }
    for id in unknown {
      let states = shadow.states(ofItem: id, in: span)
      if !asked.contains(id) || !states.contains(where: { $0 == nil }) {
        return Violation(.rowWasAbsent, [record.line, "named as unknown: \(id)"] + evidence(states))
      }
    }
    return nil
  }

  private static func conflict(
    _ record: ClientRecord, _ shadow: InventoryShadow, _ span: ClosedRange<Int>
  ) -> Violation? {
    guard case .put(let id, _, let version) = record.operation else { return nil }
    let states = shadow.states(ofItem: id, in: span)
    let current = record.answer.currentVersion
    if current != version, states.contains(where: { $0 != nil && $0?.version == current }) { return nil }
    return Violation(.versionHadChanged, [record.line] + evidence(states))
  }

  private static func belowReserved(
    _ record: ClientRecord, _ shadow: InventoryShadow, _ span: ClosedRange<Int>
  ) -> Violation? {
    guard case .put(let id, let quantity, let version) = record.operation else { return nil }
    let states = shadow.states(ofItem: id, in: span)
    let wasSo = states.contains { row in
      guard let row else { return false }
      return row.version == version && row.reserved > quantity && row.reserved == record.answer.reserved
    }
    return wasSo ? nil : Violation(.moreWasReserved, [record.line] + evidence(states))
  }

  /// A rival waits five seconds for the first request with its key (CONTRACT, "Errors"). Clients draw a key for each
  /// operation, so that only an earlier attempt can have it, and no longer than until it is stored.
  private static func keyInUse(_ record: ClientRecord, _ shadow: InventoryShadow) -> Violation? {
    guard case .replenish(let id, _, let key) = record.operation else { return nil }
    let stored = shadow.replenished(id, key: key)
    if record.attempts > 1, record.start.duration(to: record.end) >= .seconds(5),
      stored.map({ $0 >= record.start }) ?? true
    {
      return nil
    }
    let text = stored.map { "stored at \($0.seconds) s" } ?? "not stored"
    return Violation(.keyWasInUse, [record.line, "the first request: \(text)"])
  }

  // MARK: Reservations

  /// Refused for how the reservation ended: it had ended so, and in a way that the request cannot live with.
  private static func ended(
    _ record: ClientRecord, _ shadow: InventoryShadow, _ span: ClosedRange<Int>
  ) -> Violation? {
    let hindrance: String
    switch record.operation {
    case .reserve, .confirm: hindrance = "released"
    case .release, .releaseOrder: hindrance = "confirmed"
    default: return nil
    }
    let told = record.answer.reservationStatus
    if told == hindrance, let id = reservation(record.operation, shadow),
      shadow.states(ofReservation: id, in: span).contains(where: { $0 != nil && $0?.status == told })
    {
      return nil
    }
    return Violation(.reservationHadEnded, [record.line] + reservations(record, shadow, span))
  }

  /// The reservation that a request is about; `nil` when it is about none, or its order has none.
  private static func reservation(_ operation: ClientRecord.Operation, _ shadow: InventoryShadow) -> UUID? {
    switch operation {
    case .reserve(let orderId, _), .releaseOrder(let orderId): shadow.reservation(ofOrder: orderId)
    case .confirm(let id), .release(let id), .readReservation(let id): id
    case .put, .replenish, .readItem, .readItems, .readAggregate, .expire: nil
    }
  }

  private static func reservations(
    _ record: ClientRecord, _ shadow: InventoryShadow, _ span: ClosedRange<Int>
  ) -> [String] {
    evidence(reservation(record.operation, shadow).map { shadow.states(ofReservation: $0, in: span) } ?? [nil])
  }

  /// What the table said while the request was under way: a dozen rows at most.
  private static func evidence<Row: CustomStringConvertible>(_ states: [Row?]) -> [String] {
    states.prefix(12).map { "while it was under way: \($0?.description ?? "no row")" }
      + (states.count > 12 ? ["and \(states.count - 12) more"] : [])
  }
}
