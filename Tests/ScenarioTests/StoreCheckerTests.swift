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

  static func event(_ number: UInt64, _ type: String, of subject: UInt64, sequence: Int) -> OutboxRow {
    OutboxRow(id: id(number), type: type, subject: id(subject).uuidString, sequence: sequence)
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
      $0.outbox = [Rows.event(89, "StockReplenished", of: 1, sequence: 1)]
    }
    let second = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 0, 1), new: Rows.item(1, 10, 3, 2))]
      $0.reservations = [RowPair(old: nil, new: Rows.reservation(5, "pending"))]
      $0.lines = [RowPair(old: nil, new: Rows.line(5, 1, 3))]
      $0.outbox = [Rows.event(90, "InventoryReserved", of: 5, sequence: 1)]
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
      $0.outbox = event.map { [Rows.event(91, $0, of: 5, sequence: 2)] } ?? []
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
    #expect(violation?.invariant == .neverOversold)
  }

  @Test func reservedThatNoLineExplainsIsALeak() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 10, 4, 3))] }
    #expect(violation?.invariant == .reservedIsPending)
  }

  @Test func aReservationReleasedWithoutItsStockIsALeak() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.reservations = [RowPair(old: Rows.reservation(5, "pending"), new: Rows.reservation(5, "released"))]
      $0.outbox = [Rows.event(91, "InventoryReleased", of: 5, sequence: 2)]
    }
    #expect(violation?.invariant == .reservedIsPending)
  }

  @Test func quantityWithoutAMovementBreaksTheLedger() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 20, 3, 3))] }
    #expect(violation?.invariant == .ledgerAddsUp)
  }

  @Test func stockThatLeftForAnExpiredReservationIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end(
      "expired", Rows.item(1, 7, 0, 3), updated: 2_000, movement: Rows.movement(1, -3, "confirmed", "5"),
      event: "InventoryReleased")
    #expect(violation?.invariant == .confirmedUnitsLeft)
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
    #expect(violation?.invariant == .endsOnce)
  }

  @Test func anOrderThatGetsAnotherReservationLaterIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.reservations = [RowPair(old: nil, new: Rows.reservation(6, order: 1_005, "released"))]
    }
    #expect(violation?.invariant == .oneReservation)
  }

  @Test func anOrderWithTwoReservationsIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.reservations = [
        RowPair(old: nil, new: Rows.reservation(6, order: 77, "released")),
        RowPair(old: nil, new: Rows.reservation(7, order: 77, "released")),
      ]
    }
    #expect(violation?.invariant == .oneReservation)
  }

  @Test func confirmedAtItsExpiryIsTooLateAndOneBeforeIsNot() {
    var late = Ledger.withOneReservation()
    let movement = Rows.movement(1, -3, "confirmed", "5")
    let tooLate = late.end(
      "confirmed", Rows.item(1, 7, 0, 3), updated: 1_000, movement: movement, event: "InventoryConfirmed")
    #expect(tooLate?.invariant == .confirmedInTime)
    var early = Ledger.withOneReservation()
    let inTime = early.end(
      "confirmed", Rows.item(1, 7, 0, 3), updated: 999, movement: movement, event: "InventoryConfirmed")
    #expect(inTime == nil)
  }

  @Test func expiredBeforeItsTimeIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end("expired", Rows.item(1, 10, 0, 3), updated: 999, event: "InventoryReleased")
    #expect(violation?.invariant == .expiresAfterItsTime)
  }

  @Test func aVersionThatStandsStillIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end("released", Rows.item(1, 10, 0, 2), event: "InventoryReleased")
    #expect(violation?.invariant == .versionRises)
  }

  @Test func aChangeWithoutItsEventIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.end("released", Rows.item(1, 10, 0, 3), event: nil)
    #expect(violation?.invariant == .changeHasItsEvent)
  }

  @Test func anEventWithoutItsChangeIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.outbox = [Rows.event(92, "InventoryReleased", of: 5, sequence: 2)]
    }
    #expect(violation?.invariant == .eventOfItsTransaction)
  }

  // MARK: Events of products

  /// Seven more units are reserved: nothing is available any more.
  private func takeTheRest(_ ledger: inout Ledger, events: [OutboxRow]) -> Violation? {
    ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 10, 10, 3))]
      $0.reservations = [RowPair(old: nil, new: Rows.reservation(6, "pending"))]
      $0.lines = [RowPair(old: nil, new: Rows.line(6, 1, 7))]
      $0.outbox = [Rows.event(91, "InventoryReserved", of: 6, sequence: 1)] + events
    }
  }

  @Test func theLastUnitIsToldAsDepleted() {
    var told = Ledger.withOneReservation()
    #expect(takeTheRest(&told, events: [Rows.event(92, "StockDepleted", of: 1, sequence: 3)]) == nil)
    var untold = Ledger.withOneReservation()
    #expect(takeTheRest(&untold, events: [])?.invariant == .changeHasItsEvent)
  }

  @Test func aProductThatIsLeftIsNotToldAsDepleted() {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 9, 3, 3))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, -1, "adjusted"))]
      $0.outbox = [Rows.event(92, "StockDepleted", of: 1, sequence: 3)]
    }
    #expect(violation?.invariant == .eventOfItsTransaction)
  }

  /// Stock is added by a replenishment or by a correction.
  @Test(arguments: ["replenished", "adjusted"], [true, false])
  func stockThatIsAddedIsTold(_ reason: String, _ isTold: Bool) {
    var ledger = Ledger.withOneReservation()
    let violation = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 15, 3, 3))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, reason, "k"))]
      $0.outbox = isTold ? [Rows.event(91, "StockReplenished", of: 1, sequence: 3)] : []
    }
    #expect(violation?.invariant == (isTold ? nil : .changeHasItsEvent))
  }

  @Test func aSequenceThatStandsStillIsFound() {
    var ledger = Ledger.withOneReservation()
    let violation = takeTheRest(&ledger, events: [Rows.event(92, "StockDepleted", of: 1, sequence: 1)])
    #expect(violation?.invariant == .sequenceRises)
  }

  @Test func oneKeyThatReplenishesTwiceIsFound() {
    var ledger = Ledger.withOneReservation()
    let first = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 15, 3, 3))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, "replenished", "k"))]
      $0.outbox = [Rows.event(91, "StockReplenished", of: 1, sequence: 3)]
    }
    #expect(first == nil)
    let second = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 15, 3, 3), new: Rows.item(1, 20, 3, 4))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, "replenished", "k"))]
      $0.outbox = [Rows.event(92, "StockReplenished", of: 1, sequence: 4)]
    }
    #expect(second?.invariant == .replenishedOnce)
  }

  @Test func stockStillHeldAtRestIsUndersold() {
    let ledger = Ledger.withOneReservation()
    let violation = NothingHeldAtRest().judgeAtRest(ledger.shadow)
    #expect(violation?.invariant == .nothingHeldAtRest)
  }
}
