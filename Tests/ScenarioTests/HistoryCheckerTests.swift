import Checkers
import Foundation
import Seams
import Testing

@Suite struct HistoryCheckerTests {
  private func record(
    _ operation: ClientRecord.Operation, _ status: Int, code: String? = nil, afterHealing: Bool = false,
    from start: Int64 = 0, to end: Int64 = 10_000, _ fill: (inout ClientRecord.Answer) -> Void = { _ in }
  ) -> ClientRecord {
    var answer = ClientRecord.Answer(status: status)
    answer.code = code
    fill(&answer)
    return ClientRecord(
      client: "client", operation: operation, start: MonotonicInstant(nanoseconds: start),
      end: MonotonicInstant(nanoseconds: end), attempts: 1, answer: answer, afterHealing: afterHealing)
  }

  private let reserveFive = ClientRecord.Operation.reserve(
    orderId: Rows.id(1_005), lines: [ClientRecord.Line(productId: Rows.id(1), quantity: 3)])

  @Test func anAcknowledgedReservationThatIsStoredPasses() {
    let ledger = Ledger.withOneReservation()
    let told = record(reserveFive, 200) { $0.reservationId = Rows.id(5) }
    #expect(AcknowledgedIsStored().judge(told, in: ledger.shadow) == nil)
  }

  @Test func anAcknowledgedReservationThatIsNotStoredIsFound() {
    let ledger = Ledger.withOneReservation()
    let told = record(reserveFive, 200) { $0.reservationId = Rows.id(6) }
    #expect(AcknowledgedIsStored().judge(told, in: ledger.shadow) != nil)
  }

  @Test func aConfirmationThatIsNotStoredIsFound() {
    let ledger = Ledger.withOneReservation()
    let told = record(.confirm(reservationId: Rows.id(5)), 200)
    #expect(AcknowledgedIsStored().judge(told, in: ledger.shadow) != nil)
  }

  @Test func oneOrderToldTwoReservationsIsFound() {
    let ledger = Ledger.withOneReservation()
    let checker = RetryIsTheSameRequest()
    #expect(checker.judge(record(reserveFive, 200) { $0.reservationId = Rows.id(5) }, in: ledger.shadow) == nil)
    #expect(checker.judge(record(reserveFive, 200) { $0.reservationId = Rows.id(6) }, in: ledger.shadow) != nil)
  }

  /// Ten units until 2 µs, seven from then on.
  @Test(arguments: [
    (8, 2_000, 9_000, false), (7, 2_000, 9_000, true), (8, 1_000, 1_999, true), (8, 1_000, 2_000, false),
  ])
  func aRefusalIsTrueWhenStockWasShortAtSomeMoment(_ requested: Int, _ start: Int64, _ end: Int64, _ isFound: Bool) {
    let ledger = Ledger.withOneReservation()
    let order = ClientRecord.Operation.reserve(
      orderId: Rows.id(2), lines: [ClientRecord.Line(productId: Rows.id(1), quantity: requested)])
    let told = record(order, 409, code: "insufficient_stock", from: start, to: end) {
      $0.shortages = [.init(productId: Rows.id(1), requested: requested, available: 7)]
    }
    #expect((RefusalsAreTrue().judge(told, in: ledger.shadow) != nil) == isFound)
  }

  @Test func anInternalErrorIsFoundEvenAmongFaults() {
    let told = record(.expire, 500, code: "internal")
    #expect(RefusalsAreNotFailures().judge(told, in: InventoryShadow()) != nil)
  }

  @Test(arguments: [true, false])
  func aFailureIsFoundOnlyOnceEverythingHasHealed(_ afterHealing: Bool) {
    let told = record(reserveFive, 503, code: "upstream_unavailable", afterHealing: afterHealing)
    #expect((RefusalsAreNotFailures().judge(told, in: InventoryShadow()) != nil) == afterHealing)
  }

  @Test func aRefusalThatDoesNotApplyIsFound() {
    let told = record(.confirm(reservationId: Rows.id(5)), 409, code: "insufficient_stock")
    #expect(RefusalsAreNotFailures().judge(told, in: InventoryShadow()) != nil)
  }

  // MARK: The cache

  /// The row of product 1 with ten units, as it was until 2 µs.
  private let old = ItemRow(productId: Rows.id(1), quantity: 10, reserved: 0, version: 1)

  /// Values live for 1 ms, and reading them takes 100 µs at most.
  private let staleness = Staleness(itemLife: .milliseconds(1), aggregateLife: .zero, reading: .microseconds(100))

  @Test(arguments: [
    (true, 1_101_999, false), (true, 1_102_001, true), (false, 101_999, false), (false, 102_001, true),
  ])
  func aReadMayBeAsOldAsACachedValueBecomesAndNoOlder(_ isHit: Bool, _ start: Int64, _ isFound: Bool) {
    let ledger = Ledger.withOneReservation()
    let one = record(.readItem(productId: Rows.id(1)), 200, from: start, to: start + 500) {
      $0.item = old
      $0.isFromCache = isHit
    }
    let many = record(.readItems(productIds: [Rows.id(1)]), 200, from: start, to: start + 500) {
      $0.items = [old]
      $0.isFromCache = isHit
    }
    for told in [one, many] {
      #expect((StaleReadsAreBounded(staleness: staleness).judge(told, in: ledger.shadow) != nil) == isFound)
    }
  }

  @Test func withoutACacheNoReadIsOld() {
    let ledger = Ledger.withOneReservation()
    let told = record(.readItem(productId: Rows.id(1)), 200, from: 2_000, to: 3_000) { $0.item = old }
    #expect(StaleReadsAreBounded().judge(told, in: ledger.shadow) != nil)
  }

  @Test func aCachedRowThatIsNotTheTablesIsFound() {
    let ledger = Ledger.withOneReservation()
    let current = ledger.shadow.items[Rows.id(1)].map { [$0] } ?? []
    #expect(CacheAgreesAtRest().judge(current, in: ledger.shadow) == nil && !current.isEmpty)
    #expect(CacheAgreesAtRest().judge([], in: ledger.shadow) == nil)
    #expect(CacheAgreesAtRest().judge([old], in: ledger.shadow)?.invariant == .cacheAgreesAtRest)
  }

  @Test func anAnswerThatCameTooLateIsFound() {
    let told = record(reserveFive, 200, from: 0, to: 5_001)
    #expect(AnswersComeInTime(limit: .microseconds(5)).judge(told, in: .init()) != nil)
    #expect(AnswersComeInTime(limit: .microseconds(6)).judge(told, in: .init()) == nil)
    #expect(AnswersComeInTime().judge(told, in: .init()) == nil)
  }

  @Test func twoWritersThatWinOneVersionAreFound() {
    let checker = VersionsAreWonOnce()
    let put = ClientRecord.Operation.put(productId: Rows.id(1), quantity: 5, version: 1)
    #expect(checker.judge(record(put, 200), in: InventoryShadow()) == nil)
    #expect(checker.judge(record(put, 409, code: "version_conflict") { $0.currentVersion = 2 }, in: .init()) == nil)
    #expect(checker.judge(record(put, 200), in: InventoryShadow()) != nil)
  }
}
