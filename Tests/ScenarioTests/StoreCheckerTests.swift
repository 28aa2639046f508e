import Checkers
import Foundation
import Seams
import Testing

/// Rows with small numbers for ids.
enum Rows {
  static func id(_ number: UInt64) -> UUID { UUID(high: 0x4000, low: number) }

  static func item(_ number: UInt64, _ quantity: Int, _ reserved: Int, _ version: Int) -> ItemRow {
    ItemRow(productId: id(number), quantity: quantity, reserved: reserved, version: version)
  }

  static func reservation(
    _ number: UInt64, order: UInt64? = nil, _ status: String, expires: Int64 = 1_000, updated: Int64 = 0
  ) -> ReservationRow {
    ReservationRow(
      id: id(number), orderId: id(order ?? number + 1_000), status: status,
      expiresAt: Timestamp(microsecondsSinceEpoch: expires), updatedAt: Timestamp(microsecondsSinceEpoch: updated))
  }

  static func line(_ reservation: UInt64, _ product: UInt64, _ quantity: Int) -> LineRow {
    LineRow(reservationId: id(reservation), productId: id(product), quantity: quantity)
  }

  static func movement(_ product: UInt64, _ delta: Int, _ reason: String, _ ref: String = "") -> MovementRow {
    MovementRow(productId: id(product), delta: delta, reason: reason, ref: ref)
  }
}

/// Commits played into the shadow tables one by one.
struct Ledger {
  let shadow = InventoryShadow()
  private var now: Int64 = 0

  /// Commits and judges with every checker.
  mutating func commit(_ fill: (inout StoreCommit) -> Void) -> Violation? {
    now += 1_000
    var commit = StoreCommit(time: MonotonicInstant(nanoseconds: now))
    fill(&commit)
    shadow.apply(commit)
    for checker in StoreCheckers.all {
      if let violation = checker.judge(commit, in: shadow) { return violation }
    }
    return nil
  }

  /// A product 1 of ten units, of which reservation 5 holds three.
  static func withOneReservation() -> Ledger {
    var ledger = Ledger()
    let first = ledger.commit {
      $0.items = [RowPair(old: nil, new: Rows.item(1, 10, 0, 1))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 10, "initial"))]
    }
    let second = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 0, 1), new: Rows.item(1, 10, 3, 2))]
      $0.reservations = [RowPair(old: nil, new: Rows.reservation(5, "pending"))]
      $0.lines = [RowPair(old: nil, new: Rows.line(5, 1, 3))]
      $0.outbox = [OutboxRow(id: Rows.id(90), type: "InventoryReserved", subject: Rows.id(5).uuidString)]
    }
    #expect(first == nil)
    #expect(second == nil)
    return ledger
  }

  /// Ends reservation 5 with `status`, leaving `item`.
  mutating func end(
    _ status: String, _ item: ItemRow, updated: Int64 = 10, from old: ReservationRow = Rows.reservation(5, "pending"),
    movement: MovementRow? = nil, event: String?
  ) -> Violation? {
    commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: item)]
      $0.reservations = [RowPair(old: old, new: Rows.reservation(5, status, updated: updated))]
      $0.movements = movement.map { [RowPair(old: nil, new: $0)] } ?? []
      $0.outbox = event.map { [OutboxRow(id: Rows.id(91), type: $0, subject: Rows.id(5).uuidString)] } ?? []
    }
  }
}

@Suite struct StoreCheckerTests {
  @Test func aConfirmationThatMovesStockPasses() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end(
      "confirmed", Rows.item(1, 7, 0, 3), movement: Rows.movement(1, -3, "confirmed", "5"), event: "InventoryConfirmed")
    #expect(violation == nil)
    #expect(StoreCheckers.all.allSatisfy { $0.judgeAtRest(ledger.shadow) == nil })
  }

  @Test func reservedAboveQuantityIsOversold() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 10, 11, 3))] }
    #expect(violation?.invariant.contains("oversold") == true)
  }

  @Test func reservedThatNoLineExplainsIsALeak() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 10, 4, 3))] }
    #expect(violation?.invariant == "reserved is the sum of the pending reservations' lines")
  }

  @Test func aReservationReleasedWithoutItsStockIsALeak() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.reservations = [RowPair(old: Rows.reservation(5, "pending"), new: Rows.reservation(5, "released"))]
      $0.outbox = [OutboxRow(id: Rows.id(91), type: "InventoryReleased", subject: Rows.id(5).uuidString)]
    }
    #expect(violation?.invariant == "reserved is the sum of the pending reservations' lines")
  }

  @Test func quantityWithoutAMovementBreaksTheLedger() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 20, 3, 3))] }
    #expect(violation?.invariant.contains("ledger") == true)
  }

  @Test func stockThatLeftForAnExpiredReservationIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end(
      "expired", Rows.item(1, 7, 0, 3), updated: 2_000, movement: Rows.movement(1, -3, "confirmed", "5"),
      event: "InventoryReleased")
    #expect(violation?.invariant == "units that left are the units of confirmed reservations")
  }

  @Test(arguments: ["confirmed", "released", "expired"])
  func aReservationThatEndedDoesNotEndAgain(_ status: String) {
    var ledger = Ledger.withOneReservation()
    let old = Rows.reservation(5, status == "released" ? "confirmed" : "released")
    _ = ledger.commit { $0.reservations = [RowPair(old: Rows.reservation(5, "pending"), new: old)] }
    let violation = ReservationEndsOnce().judge(
      {
        var commit = StoreCommit(time: MonotonicInstant(nanoseconds: 9))
        commit.reservations = [RowPair(old: old, new: Rows.reservation(5, status))]
        return commit
      }(), in: ledger.shadow)
    #expect(violation?.invariant == "a reservation ends once")
  }

  @Test func anOrderWithTwoReservationsIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.reservations = [
        RowPair(old: nil, new: Rows.reservation(6, order: 77, "released")),
        RowPair(old: nil, new: Rows.reservation(7, order: 77, "released")),
      ]
    }
    #expect(violation?.invariant == "an order has at most one reservation")
  }

  @Test func confirmedAtItsExpiryIsTooLateAndOneBeforeIsNot() {
    var late = Ledger.withOneReservation()
    let movement = Rows.movement(1, -3, "confirmed", "5")
    let tooLate = late.end(
      "confirmed", Rows.item(1, 7, 0, 3), updated: 1_000, movement: movement, event: "InventoryConfirmed")
    #expect(tooLate?.invariant == "a reservation is confirmed only before it expires")
    var early = Ledger.withOneReservation()
    let inTime = early.end(
      "confirmed", Rows.item(1, 7, 0, 3), updated: 999, movement: movement, event: "InventoryConfirmed")
    #expect(inTime == nil)
  }

  @Test func expiredBeforeItsTimeIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end("expired", Rows.item(1, 10, 0, 3), updated: 999, event: "InventoryReleased")
    #expect(violation?.invariant == "a reservation expires only after its time")
  }

  @Test func aVersionThatStandsStillIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end("released", Rows.item(1, 10, 0, 2), event: "InventoryReleased")
    #expect(violation?.invariant == "version rises with every change of an item")
  }

  @Test func aChangeWithoutItsEventIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end("released", Rows.item(1, 10, 0, 3), event: nil)
    #expect(violation?.invariant == "a change and its event are one transaction")
  }

  @Test func anEventWithoutItsChangeIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.outbox = [OutboxRow(id: Rows.id(92), type: "InventoryReleased", subject: Rows.id(5).uuidString)]
    }
    #expect(violation?.invariant == "an event tells of a change of its own transaction")
  }

  @Test func oneKeyThatReplenishesTwiceIsFound() {
    var ledger = Ledger.withOneReservation()
    let first = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 15, 3, 3))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, "replenished", "k"))]
    }
    #expect(first == nil)
    let second = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 15, 3, 3), new: Rows.item(1, 20, 3, 4))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, "replenished", "k"))]
    }
    #expect(second?.invariant == "a replenishment's key adds its stock once")
  }

  @Test func stockStillHeldAtRestIsUndersold() {
    let ledger = Ledger.withOneReservation()
    let violation = NothingHeldAtRest().judgeAtRest(ledger.shadow)
    #expect(violation?.invariant == "nothing is undersold once the dust settles")
  }
}
