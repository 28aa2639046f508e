/// Nothing acknowledged is lost: whatever a client was told is done is in the tables when it is told.
public final class AcknowledgedIsStored: HistoryChecker {
  /// That acknowledged means stored.
  public let invariants: Set<Invariant> = [.acknowledgedIsStored]
  private static let ends: Set<String> = ["confirmed", "released", "expired"]

  /// A checker; it keeps nothing from answer to answer.
  public init() {}

  /// Compares an answer below 300 with the rows it tells of, as they are now or, for reads, were while it was under
  /// way.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard record.answer.status < 300 else { return nil }
    let answer = record.answer
    switch record.operation {
    case .reserve(let orderId, let lines):
      guard let id = answer.reservationId, let row = shadow.reservations[id], row.orderId == orderId else {
        return lost("no such reservation", record)
      }
      let stored = (shadow.lines[id] ?? []).map { ClientRecord.Line(productId: $0.productId, quantity: $0.quantity) }
      if Set(stored) != Set(lines) {
        return lost("stored lines: " + stored.map(\.description).joined(separator: ", "), record)
      }
    case .confirm(let id):
      let row = shadow.reservations[id]
      guard row?.status == "confirmed", answer.reservationId == id, answer.reservationStatus == "confirmed" else {
        return lost(row?.description ?? "no such reservation", record)
      }
    case .release(let id):
      let row = shadow.reservations[id]
      // A release that finds the reservation ended answers with how it ended.
      guard let row, Self.ends.contains(row.status), row.status == answer.reservationStatus else {
        return lost(row?.description ?? "no such reservation", record)
      }
    case .releaseOrder(let orderId):
      let row = shadow.reservation(ofOrder: orderId).flatMap { shadow.reservations[$0] }
      guard let row, Self.ends.contains(row.status), row.status == answer.reservationStatus else {
        return lost(row?.description ?? "no reservation of the order", record)
      }
    case .replenish(let productId, _, let key):
      let times = shadow.replenishments["\(productId) \(key)"] ?? 0
      if times != 1 { return lost("the ledger has the replenishment \(times) times", record) }
      // The first answer, whoever gets it and however late.
      guard let item = answer.item, item.productId == productId, shadow.wasCommitted(item) else {
        return lost(shadow.items[productId]?.description ?? "no such item", record)
      }
    case .put(let productId, let quantity, let version):
      guard let item = answer.item, item.productId == productId, item.quantity == quantity, item.version > version,
        shadow.wasCommitted(item)
      else { return lost(shadow.items[productId]?.description ?? "no such item", record) }
    case .readItem(let productId):
      // A read may be overtaken, but never tells of a version that was not committed.
      guard let item = answer.item, item.productId == productId, shadow.wasCommitted(item)
      else { return lost(shadow.items[productId]?.description ?? "no such item", record) }
    case .readItems(let productIds):
      guard let items = answer.items, items.allSatisfy({ productIds.contains($0.productId) }) else {
        return lost("asked for \(productIds)", record)
      }
      if let phantom = items.first(where: { !shadow.wasCommitted($0) }) { return lost("never: \(phantom)", record) }
      // Every product of a scenario is there from its start.
      let told = Set(items.map(\.productId))
      if let absent = productIds.first(where: { shadow.items[$0] != nil && !told.contains($0) }) {
        return lost(shadow.items[absent]?.description ?? "", record)
      }
    case .readReservation(let id):
      let span = shadow.moments(from: record.start, to: record.end)
      let states = shadow.states(ofReservation: id, in: span).compactMap { $0 }
      // One that is past its time may be told as expired before the expiry job has been there.
      let isTrue =
        states.contains { $0.status == answer.reservationStatus }
        || answer.reservationStatus == "expired" && shadow.wasOverdue(id, in: span, until: record.end)
      if answer.reservationId != id || !isTrue {
        return lost(states.last?.description ?? "no such reservation", record)
      }
    case .readAggregate, .expire: break  // Each has a checker of its own.
    }
    return nil
  }

  private func lost(_ stored: String, _ record: ClientRecord) -> Violation {
    Violation(.acknowledgedIsStored, [record.line, "tables: \(stored)"])
  }
}
