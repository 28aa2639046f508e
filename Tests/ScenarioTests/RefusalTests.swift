import Checkers
import Foundation
import Seams
import Testing

/// Refusals of what was so, and of what was not. Instants are in µs: commits come at 1, 2, 3 …, and the database's clock
/// shows the same number.
@Suite struct RefusalTests {
  private func judge(
    _ operation: ClientRecord.Operation, _ code: String, from start: Int64 = 0, to end: Int64 = 100,
    attempts: Int = 1, in ledger: Ledger, _ fill: (inout ClientRecord.Answer) -> Void = { _ in }
  ) -> Invariant? {
    var answer = ClientRecord.Answer(status: 409)
    answer.code = code
    fill(&answer)
    let record = ClientRecord(
      client: "client", operation: operation, start: MonotonicInstant(nanoseconds: start * 1_000),
      end: MonotonicInstant(nanoseconds: end * 1_000), attempts: attempts, answer: answer, afterHealing: false)
    return RefusalsAreTrue().judge(record, in: ledger.shadow)?.invariant
  }

  private let confirm = ClientRecord.Operation.confirm(reservationId: Rows.id(5))
  private let release = ClientRecord.Operation.release(reservationId: Rows.id(5))
  private let put = ClientRecord.Operation.put(productId: Rows.id(1), quantity: 2, version: 2)
  private let reserve = ClientRecord.Operation.reserve(
    orderId: Rows.id(1_005), lines: [.init(productId: Rows.id(1), quantity: 3)])

  // MARK: 404

  /// Product 1 comes at 1 µs, reservation 5 at 2 µs.
  @Test(arguments: [(Int64(0), false), (1, true)])
  func aProductIsUnknownOnlyBeforeItComes(_ start: Int64, _ isFound: Bool) {
    let read = ClientRecord.Operation.readItem(productId: Rows.id(1))
    let found = judge(read, "product_not_found", from: start, in: .withOneReservation()) {
      $0.unknownProducts = [Rows.id(1)]
    }
    #expect(found == (isFound ? .rowWasAbsent : nil))
  }

  @Test func aProductThatNobodyAskedForIsNotTheReason() {
    #expect(judge(reserve, "product_not_found", in: .withOneReservation()) == .rowWasAbsent)
    let found = judge(reserve, "product_not_found", in: .withOneReservation()) { $0.unknownProducts = [Rows.id(2)] }
    #expect(found == .rowWasAbsent)
  }

  @Test(arguments: [(Int64(1), false), (2, true)])
  func aReservationIsUnknownOnlyBeforeItComes(_ start: Int64, _ isFound: Bool) {
    let found = judge(confirm, "reservation_not_found", from: start, in: .withOneReservation())
    #expect(found == (isFound ? .rowWasAbsent : nil))
  }

  // MARK: Reservations that ended

  /// Reservation 5 ends at 3 µs.
  private func ended(_ status: String) -> Ledger {
    var ledger = Ledger.withOneReservation()
    let isSold = status == "confirmed"
    let violation = ledger.end(
      status, Rows.item(1, isSold ? 7 : 10, 0, 3), updated: isSold ? 3 : 2_000,
      movement: isSold ? Rows.movement(1, -3, "confirmed", "5") : nil,
      event: isSold ? "InventoryConfirmed" : "InventoryReleased")
    #expect(violation == nil)
    return ledger
  }

  @Test(arguments: [("released", nil), ("confirmed", Invariant.reservationHadEnded), ("expired", .reservationHadEnded)])
  func aConfirmationIsHinderedByARelease(_ status: String, _ expected: Invariant?) {
    for operation in [confirm, reserve] {
      let found = judge(operation, "reservation_not_pending", in: ended(status)) { $0.reservationStatus = status }
      #expect(found == expected)
    }
  }

  @Test(arguments: [("confirmed", nil), ("released", Invariant.reservationHadEnded), ("expired", .reservationHadEnded)])
  func aReleaseIsHinderedByAConfirmation(_ status: String, _ expected: Invariant?) {
    for operation in [release, .releaseOrder(orderId: Rows.id(1_005))] {
      let found = judge(operation, "reservation_not_pending", in: ended(status)) { $0.reservationStatus = status }
      #expect(found == expected)
    }
  }

  @Test func anEndThatCameAfterTheAnswerIsNoReason() {
    let found = judge(confirm, "reservation_not_pending", to: 2, in: ended("released")) {
      $0.reservationStatus = "released"
    }
    #expect(found == .reservationHadEnded)
  }

  /// Reservation 5 is pending until 1,000 µs by the database's clock, which is the clock that counts.
  @Test(arguments: [(Int64(999), true), (1_000, false)])
  func aPendingReservationIsExpiredOnlyPastItsTime(_ end: Int64, _ isFound: Bool) {
    let found = judge(confirm, "reservation_expired", to: end, in: .withOneReservation())
    #expect(found == (isFound ? .reservationWasOverdue : nil))
  }

  @Test(arguments: [
    ("expired", nil), ("confirmed", Invariant.reservationWasOverdue), ("released", .reservationWasOverdue),
  ])
  func aReservationThatEndedBeforeItsTimeIsNeverOverdue(_ status: String, _ expected: Invariant?) {
    #expect(judge(confirm, "reservation_expired", to: 5_000, in: ended(status)) == expected)
  }

  // MARK: Updates

  /// Product 1 has version 1 from 1 µs on and version 2 from 2 µs on.
  @Test(arguments: [
    (1, Int64(0), nil), (1, 2, Invariant.versionHadChanged), (2, 0, .versionHadChanged), (3, 0, .versionHadChanged),
  ])
  func aConflictNamesAVersionThatWasThere(_ current: Int, _ start: Int64, _ expected: Invariant?) {
    let found = judge(put, "version_conflict", from: start, in: .withOneReservation()) { $0.currentVersion = current }
    #expect(found == expected)
  }

  /// Three units are reserved by version 2.
  @Test(arguments: [
    (2, 2, 3, nil), (3, 2, 3, Invariant.moreWasReserved), (2, 1, 3, .moreWasReserved), (2, 2, 4, .moreWasReserved),
  ])
  func aQuantityIsBelowWhatIsReservedByThatVersion(
    _ quantity: Int, _ version: Int, _ told: Int, _ expected: Invariant?
  ) {
    let put = ClientRecord.Operation.put(productId: Rows.id(1), quantity: quantity, version: version)
    let found = judge(put, "quantity_below_reserved", in: .withOneReservation()) { $0.reserved = told }
    #expect(found == expected)
  }

  /// The key is stored at 3 µs, if at all; a rival waits five seconds.
  @Test(arguments: [
    (false, 2, Int64(0), Int64(5_000_000), nil), (false, 1, 0, 5_000_000, Invariant.keyWasInUse),
    (false, 2, 0, 4_999_999, .keyWasInUse), (true, 2, 3, 5_000_003, nil), (true, 2, 4, 5_000_004, .keyWasInUse),
  ])
  func aKeyIsInUseOnlyAfterAWait(
    _ isStored: Bool, _ attempts: Int, _ start: Int64, _ end: Int64, _ expected: Invariant?
  ) {
    var ledger = Ledger.withOneReservation()
    if isStored {
      let violation = ledger.commit {
        $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 15, 3, 3))]
        $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, "replenished", "k"))]
        $0.outbox = [Rows.event(91, "StockReplenished", of: 1, sequence: 3)]
      }
      #expect(violation == nil)
    }
    let replenish = ClientRecord.Operation.replenish(productId: Rows.id(1), quantity: 5, key: "k")
    let found = judge(
      replenish, "idempotency_key_in_use", from: start, to: end, attempts: attempts, in: ledger)
    #expect(found == expected)
  }

  // MARK: Shortages

  @Test(arguments: [(8, 7, nil), (8, 8, Invariant.stockWasShort), (8, 6, .stockWasShort), (9, 7, .stockWasShort)])
  func aShortageSaysWhatWasAskedForAndWhatWasThere(_ requested: Int, _ available: Int, _ expected: Invariant?) {
    let order = ClientRecord.Operation.reserve(
      orderId: Rows.id(2), lines: [.init(productId: Rows.id(1), quantity: 8)])
    let found = judge(order, "insufficient_stock", from: 2, in: .withOneReservation()) {
      $0.shortages = [.init(productId: Rows.id(1), requested: requested, available: available)]
    }
    #expect(found == expected)
  }

  @Test func aShortageOfNothingIsFound() {
    #expect(judge(reserve, "insufficient_stock", in: .withOneReservation()) == .stockWasShort)
  }
}
