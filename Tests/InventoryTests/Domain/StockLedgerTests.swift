import FoundationEssentials
import Inventory
import Seams
import Testing

@Suite struct StockLedgerTests {
  private let now = Timestamp(microsecondsSinceEpoch: 1_000_000)

  private func ledger(_ items: [StockItem], _ reservations: [Reservation] = []) -> StockLedger {
    StockLedger(items: items, reservations: reservations, now: now)
  }

  private func stock(_ number: Int, _ quantity: Int, reserved: Int = 0, version: Int = 1) -> StockItem {
    StockItem(productId: product(number), quantity: quantity, reserved: reserved, version: version)
  }

  private func request(_ orderNumber: Int, _ lines: [ReservationLine], ttl: Int = 900) throws -> ReserveRequest {
    let lines = try #require(ReservationLines(lines))
    return try #require(
      ReserveRequest(
        orderId: order(orderNumber), lines: lines, timeToLiveSeconds: ttl, correlationId: order(1_000 + orderNumber)))
  }

  private func existing(
    _ orderNumber: Int, _ status: ReservationStatus, _ lines: [ReservationLine], isOverdue: Bool = false
  ) -> Reservation {
    Reservation(
      id: order(500), orderId: order(orderNumber), status: status, expiresAt: now, lines: lines, isOverdue: isOverdue)
  }

  private func ids() -> () -> UUID {
    var number = 0
    return {
      number += 1
      return order(2_000 + number)
    }
  }

  @Test func theLastUnitGoesToTheFirstRequest() throws {
    var ledger = ledger([stock(1, 1)])
    let newId = ids()
    let first = ledger.decide(try request(1, [line(1, 1)], ttl: 60), newId: newId)
    let second = ledger.decide(try request(2, [line(1, 1)]), newId: newId)
    #expect(
      first
        == .reserved(
          Reservation(
            id: order(2_001), orderId: order(1), status: .pending,
            expiresAt: Timestamp(microsecondsSinceEpoch: 61_000_000), lines: [line(1, 1)])))
    #expect(second == .insufficientStock([Shortage(productId: product(1), requested: 1, available: 0)]))
    #expect(ledger.grants.count == 1)
    let change = try #require(ledger.itemChanges.first)
    #expect(change.item == stock(1, 1, reserved: 1, version: 2))
    #expect(change.units == 1 && change.reservations == 1 && change.depletedBy == order(1_001))
  }

  @Test func aRefusedRequestTakesNothing() throws {
    var ledger = ledger([stock(1, 10), stock(2, 1)])
    let newId = ids()
    let refused = ledger.decide(try request(1, [line(1, 5), line(2, 2)]), newId: newId)
    #expect(refused == .insufficientStock([Shortage(productId: product(2), requested: 2, available: 1)]))
    let granted = ledger.decide(try request(2, [line(1, 10)]), newId: newId)
    guard case .reserved = granted else { return #expect(Bool(false), "\(granted)") }
    #expect(ledger.itemChanges.map(\.item.productId) == [product(1)])
  }

  @Test func everyShortageIsNamed() throws {
    var ledger = ledger([stock(1, 1), stock(2, 5, reserved: 5), stock(3, 9)])
    let outcome = ledger.decide(try request(1, [line(3, 9), line(2, 1), line(1, 2)]), newId: ids())
    #expect(
      outcome
        == .insufficientStock([
          Shortage(productId: product(1), requested: 2, available: 1),
          Shortage(productId: product(2), requested: 1, available: 0),
        ]))
  }

  @Test func aMissingProductComesBeforeAShortage() throws {
    var ledger = ledger([stock(1, 0)])
    let outcome = ledger.decide(try request(1, [line(1, 1), line(7, 1), line(8, 1)]), newId: ids())
    #expect(outcome == .productNotFound([product(7), product(8)]))
    #expect(ledger.itemChanges.isEmpty)
  }

  @Test func theSameOrderTwiceInABatchIsOneReservation() throws {
    var ledger = ledger([stock(1, 10), stock(2, 10)])
    let newId = ids()
    let first = ledger.decide(try request(1, [line(1, 1), line(2, 2)]), newId: newId)
    let again = ledger.decide(try request(1, [line(2, 2), line(1, 1)]), newId: newId)
    let other = ledger.decide(try request(1, [line(1, 1)]), newId: newId)
    #expect(first == again)
    guard case .otherLines = other else { return #expect(Bool(false), "\(other)") }
    #expect(ledger.grants.count == 1)
  }

  @Test(arguments: [ReservationStatus.pending, .confirmed])
  func aRepetitionGetsTheReservationThatHoldsItsStock(status: ReservationStatus) throws {
    let reservation = existing(1, status, [line(1, 1)])
    var ledger = ledger([stock(1, 0)], [reservation])
    let outcome1 = ledger.decide(try request(1, [line(1, 1)]), newId: ids())
    #expect(outcome1 == .reserved(reservation))
    let outcome2 = ledger.decide(try request(1, [line(1, 2)]), newId: ids())
    #expect(outcome2 == .otherLines(reservation))
    #expect(ledger.grants.isEmpty)
  }

  @Test func aReservationReleasedBeforeItWasMadeRefusesTheLateReserve() throws {
    let tombstone = existing(1, .released, [])
    var ledger = ledger([stock(1, 10)], [tombstone])
    let outcome3 = ledger.decide(try request(1, [line(1, 1)]), newId: ids())
    #expect(outcome3 == .released(tombstone))
    #expect(ledger.itemChanges.isEmpty)
  }

  @Test(arguments: [(ReservationStatus.expired, false), (.expired, true), (.pending, true)])
  func anExpiredReservationIsNotRevived(status: ReservationStatus, isOverdue: Bool) throws {
    let reservation = existing(1, status, [line(1, 1)], isOverdue: isOverdue)
    var ledger = ledger([stock(1, 10)], [reservation])
    let outcome4 = ledger.decide(try request(1, [line(1, 1)]), newId: ids())
    #expect(outcome4 == .expired(reservation))
  }

  @Test func theVersionRisesWithEveryReservationOfABatch() throws {
    var ledger = ledger([stock(1, 100, reserved: 10, version: 7)])
    let newId = ids()
    for number in 1...5 { _ = ledger.decide(try request(number, [line(1, 3)]), newId: newId) }
    let change = try #require(ledger.itemChanges.first)
    #expect(change.item == stock(1, 100, reserved: 25, version: 12))
    #expect(change.units == 15 && change.reservations == 5 && change.depletedBy == nil)
  }
}
