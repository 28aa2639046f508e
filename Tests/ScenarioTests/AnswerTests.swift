import Checkers
import Foundation
import Seams
import Testing

/// What the answers to reads, aggregates and the expiry job say. Commits come at 1, 2, 3 … µs.
@Suite struct AnswerTests {
  private func record(
    _ operation: ClientRecord.Operation, from start: Int64 = 0, to end: Int64 = 100,
    _ fill: (inout ClientRecord.Answer) -> Void
  ) -> ClientRecord {
    var answer = ClientRecord.Answer(status: 200)
    fill(&answer)
    return ClientRecord(
      client: "client", operation: operation, start: MonotonicInstant(nanoseconds: start * 1_000),
      end: MonotonicInstant(nanoseconds: end * 1_000), attempts: 1, answer: answer, afterHealing: false)
  }

  /// Products 1 … 3 from 1 µs on; of product 2, four units are reserved at 2 µs.
  private func threeProducts() -> Ledger {
    var ledger = Ledger()
    let first = ledger.commit { commit in
      for number in UInt64(1)...3 {
        let quantity = Int(number) * 10
        commit.items.append(RowPair(old: nil, new: Rows.item(number, quantity, 0, 1)))
        commit.movements.append(RowPair(old: nil, new: Rows.movement(number, quantity, "initial")))
        commit.outbox.append(Rows.event(80 + number, "StockReplenished", of: number, sequence: 1))
      }
    }
    let second = ledger.commit {
      $0.items = [RowPair(old: Rows.item(2, 20, 0, 1), new: Rows.item(2, 20, 4, 2))]
      $0.reservations = [RowPair(old: nil, new: Rows.reservation(5, "pending"))]
      $0.lines = [RowPair(old: nil, new: Rows.line(5, 2, 4))]
      $0.outbox = [Rows.event(90, "InventoryReserved", of: 5, sequence: 1)]
    }
    #expect(first == nil && second == nil)
    return ledger
  }

  private func aggregate(
    _ aggregate: ClientRecord.Aggregate, from start: Int64 = 0, to end: Int64 = 100,
    _ fill: (inout ClientRecord.Answer) -> Void
  ) -> Invariant? {
    let told = record(.readAggregate(aggregate), from: start, to: end, fill)
    return AggregatesAreTrue().judge(told, in: threeProducts().shadow)?.invariant
  }

  // MARK: Aggregates

  private let before = Rows.item(2, 20, 0, 1)
  private let after = Rows.item(2, 20, 4, 2)

  @Test func lowStockIsOfOneMoment() {
    let low = ClientRecord.Aggregate.lowStock(threshold: 20, limit: 2)
    let one = Rows.item(1, 10, 0, 1)
    #expect(aggregate(low) { $0.items = [one, after] } == nil)
    #expect(aggregate(low) { $0.items = [one, before] } == nil)
    #expect(aggregate(low, from: 2) { $0.items = [one, before] } == .aggregateIsTrue, "that was before")
    #expect(aggregate(low, to: 1) { $0.items = [one, after] } == .aggregateIsTrue, "that came after")
    #expect(aggregate(low) { $0.items = [after, one] } == .aggregateIsTrue, "the scarcest comes first")
    #expect(aggregate(low) { $0.items = [one] } == .aggregateIsTrue, "the limit is two")
    #expect(aggregate(low) { _ in } == .aggregateIsTrue, "no items")
  }

  @Test func mostReservedLeavesOutWhatIsNotReserved() {
    let most = ClientRecord.Aggregate.mostReserved(limit: 2)
    #expect(aggregate(most) { $0.items = [after] } == nil)
    #expect(aggregate(most) { $0.items = [] } == nil)
    #expect(aggregate(most, from: 2) { $0.items = [] } == .aggregateIsTrue)
    #expect(aggregate(most) { $0.items = [after, Rows.item(1, 10, 0, 1)] } == .aggregateIsTrue)
  }

  @Test func statisticsAreSumsOfOneMomentAndCountReservationsThenOrLater() {
    func stats(_ reserved: Int, _ pending: Int, _ quantity: Int = 60) -> ClientRecord.Stats {
      ClientRecord.Stats(
        products: 3, quantity: quantity, reserved: reserved, available: quantity - reserved, soldOut: 0,
        pendingReservations: pending)
    }
    #expect(aggregate(.stats) { $0.stats = stats(4, 1) } == nil)
    #expect(aggregate(.stats) { $0.stats = stats(0, 1) } == nil)
    #expect(aggregate(.stats) { $0.stats = stats(4, 0) } == .aggregateIsTrue, "counted before the sums")
    #expect(aggregate(.stats, from: 2) { $0.stats = stats(0, 1) } == .aggregateIsTrue)
    #expect(aggregate(.stats) { $0.stats = stats(4, 1, 61) } == .aggregateIsTrue)
    #expect(aggregate(.stats) { _ in } == .aggregateIsTrue)
  }

  // MARK: The expiry job

  /// Two reservations expire at 4 µs, of two and five units.
  private func twoExpired() -> Ledger {
    var ledger = Ledger.withOneReservation()
    _ = ledger.commit {
      $0.reservations = [
        RowPair(old: nil, new: Rows.reservation(6, "pending")), RowPair(old: nil, new: Rows.reservation(7, "pending")),
      ]
      $0.lines = [RowPair(old: nil, new: Rows.line(6, 1, 2)), RowPair(old: nil, new: Rows.line(7, 1, 5))]
    }
    _ = ledger.commit {
      $0.reservations = [UInt64(6), 7].map {
        RowPair(old: Rows.reservation($0, "pending"), new: Rows.reservation($0, "expired"))
      }
    }
    return ledger
  }

  @Test(arguments: [
    (2, 7, Int64(0), nil), (1, 2, 0, nil), (1, 5, 0, nil), (0, 0, 0, nil), (1, 6, 0, Invariant.expiryIsCounted),
    (3, 8, 0, .expiryIsCounted), (0, 2, 0, .expiryIsCounted), (2, 7, 4, .expiryIsCounted),
  ])
  func theJobCountsNoMoreThanWhatExpired(_ count: Int, _ units: Int, _ start: Int64, _ expected: Invariant?) {
    let told = record(.expire, from: start) {
      $0.expired = count
      $0.unitsReturned = units
    }
    #expect(ExpiryIsCounted().judge(told, in: twoExpired().shadow)?.invariant == expected)
  }

  @Test func aJobThatCountsNothingIsFound() {
    #expect(ExpiryIsCounted().judge(record(.expire) { _ in }, in: twoExpired().shadow)?.invariant == .expiryIsCounted)
  }

  // MARK: Reads and changes

  private func stored(_ told: ClientRecord) -> Invariant? {
    AcknowledgedIsStored().judge(told, in: Ledger.withOneReservation().shadow)?.invariant
  }

  @Test func anItemThatWasReadIsAVersionThatWasCommitted() {
    let read = ClientRecord.Operation.readItem(productId: Rows.id(1))
    #expect(stored(record(read) { $0.item = Rows.item(1, 10, 3, 2) }) == nil)
    #expect(stored(record(read) { $0.item = Rows.item(1, 10, 0, 1) }) == nil)
    #expect(stored(record(read) { $0.item = Rows.item(1, 10, 1, 1) }) == .acknowledgedIsStored)
    #expect(stored(record(read) { $0.item = Rows.item(1, 10, 3, 3) }) == .acknowledgedIsStored)
    #expect(stored(record(read) { _ in }) == .acknowledgedIsStored)
  }

  @Test(arguments: [
    ("pending", Int64(100), nil), ("confirmed", 100, Invariant.acknowledgedIsStored),
    ("expired", 999, .acknowledgedIsStored), ("expired", 1_000, nil),
  ])
  func aReservationThatWasReadStoodSo(_ status: String, _ end: Int64, _ expected: Invariant?) {
    let told = record(.readReservation(reservationId: Rows.id(5)), to: end) {
      $0.reservationId = Rows.id(5)
      $0.reservationStatus = status
    }
    #expect(stored(told) == expected)
  }

  @Test func aReplenishmentIsToldAnItemThatWasCommitted() {
    let told = record(.replenish(productId: Rows.id(1), quantity: 5, key: "k")) { $0.item = Rows.item(1, 99, 3, 3) }
    var ledger = Ledger.withOneReservation()
    _ = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 15, 3, 3))]
      $0.movements = [RowPair(old: nil, new: Rows.movement(1, 5, "replenished", "k"))]
      $0.outbox = [Rows.event(91, "StockReplenished", of: 1, sequence: 3)]
    }
    #expect(AcknowledgedIsStored().judge(told, in: ledger.shadow)?.invariant == .acknowledgedIsStored)
    var right = told
    right.answer.item = Rows.item(1, 15, 3, 3)
    #expect(AcknowledgedIsStored().judge(right, in: ledger.shadow) == nil)
  }
}
