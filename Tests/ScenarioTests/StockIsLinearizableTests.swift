import Checkers
import Foundation
import Seams
import Testing

/// What clients were told, all of it together. Instants are in µs: commits come at 1, 2, 3 …
@Suite struct StockIsLinearizableTests {
  private let product = Rows.id(1)
  private let reserve = ClientRecord.Operation.reserve(
    orderId: Rows.id(1_005), lines: [.init(productId: Rows.id(1), quantity: 3)])

  /// A request that was answered, at its last attempt.
  private func request(
    _ operation: ClientRecord.Operation, _ status: Int, code: String? = nil, from start: Int64, to end: Int64,
    attempts: Int = 1, _ fill: (inout ClientRecord.Answer) -> Void = { _ in }
  ) -> ClientRequest {
    var answer = ClientRecord.Answer(status: status)
    answer.code = code
    fill(&answer)
    let start = MonotonicInstant(nanoseconds: start * 1_000)
    return ClientRequest(
      client: "client", operation: operation, start: start, attempts: attempts,
      answered: ClientRecord(
        client: "client", operation: operation, start: start, end: MonotonicInstant(nanoseconds: end * 1_000),
        attempts: attempts, answer: answer, afterHealing: false))
  }

  private func unanswered(_ operation: ClientRecord.Operation, from start: Int64) -> ClientRequest {
    ClientRequest(
      client: "client", operation: operation, start: MonotonicInstant(nanoseconds: start * 1_000), attempts: 3,
      answered: nil)
  }

  private func read(_ item: ItemRow, from start: Int64, to end: Int64) -> ClientRequest {
    request(.readItem(productId: product), 200, from: start, to: end) { $0.item = item }
  }

  private func judge(_ requests: [ClientRequest], in ledger: Ledger) -> Invariant? {
    let checker = StockIsLinearizable()
    for request in requests { checker.note(request) }
    let found = checker.judgeAtRest(ledger.shadow)?.invariant
    #expect(!checker.isUndecided)
    return found
  }

  /// Ten units, of which three are reserved at 2 µs: the client of the reservation learns it at 4 µs.
  @Test(arguments: [(Int64(1), false), (3, false), (5, true)])
  func aReadIsNotBehindWhatSomebodyWasToldBeforeItBegan(_ start: Int64, _ isFound: Bool) {
    let told = [
      request(reserve, 200, from: 1, to: 4), read(Rows.item(1, 10, 0, 1), from: start, to: 9),
    ]
    #expect(judge(told, in: .withOneReservation()) == (isFound ? .stockIsLinearizable : nil))
  }

  @Test func twoReadersSeeChangesInOneOrder() {
    let late = read(Rows.item(1, 10, 3, 2), from: 1, to: 3)
    let early = read(Rows.item(1, 10, 0, 1), from: 4, to: 6)
    let unknown = unanswered(reserve, from: 1)
    #expect(judge([unknown, late, early], in: .withOneReservation()) == .stockIsLinearizable)
  }

  /// Nobody was told, but the tables have it.
  @Test func aReservationThatNobodyWasToldOfIsSeen() {
    let requests = [unanswered(reserve, from: 1), read(Rows.item(1, 10, 3, 2), from: 3, to: 5)]
    #expect(judge(requests, in: .withOneReservation()) == nil)
  }

  @Test func aStockThatNobodyAskedForIsFound() {
    let reads = [read(Rows.item(1, 10, 0, 1), from: 1, to: 1), read(Rows.item(1, 10, 3, 2), from: 3, to: 5)]
    #expect(judge(reads, in: .withOneReservation()) == .stockIsLinearizable)
  }

  /// The last attempt was refused, an earlier one came later and reserved.
  @Test(arguments: [(1, true), (2, false)])
  func anAttemptOnItsWayMayReserveAfterTheAnswer(_ attempts: Int, _ isFound: Bool) {
    var ledger = Ledger()
    _ = ledger.commit { $0.items = [RowPair(old: nil, new: Rows.item(1, 2, 0, 1))] }
    _ = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 2, 0, 1), new: Rows.item(1, 10, 0, 2))] }
    _ = ledger.commit {
      $0.items = [RowPair(old: Rows.item(1, 10, 0, 2), new: Rows.item(1, 10, 3, 3))]
      $0.reservations = [RowPair(old: nil, new: Rows.reservation(5, "pending"))]
      $0.lines = [RowPair(old: nil, new: Rows.line(5, 1, 3))]
    }
    let refused = request(reserve, 409, code: "insufficient_stock", from: 1, to: 2, attempts: attempts) {
      $0.shortages = [.init(productId: Rows.id(1), requested: 3, available: 2)]
    }
    let put = request(.put(productId: product, quantity: 10, version: 1), 200, from: 1, to: 3) {
      $0.item = Rows.item(1, 10, 0, 2)
    }
    #expect(judge([refused, put], in: ledger) == (isFound ? .stockIsLinearizable : nil))
  }

  /// Its commit's answer was lost, and when it looks again the reservation has been released.
  @Test func anAttemptMayFindThatWhatItMadeHasEnded() {
    var ledger = Ledger.withOneReservation()
    _ = ledger.end("released", Rows.item(1, 10, 0, 3), event: "InventoryReleased")
    let requests = [
      request(reserve, 409, code: "reservation_not_pending", from: 1, to: 9),
      request(.releaseOrder(orderId: Rows.id(1_005)), 200, from: 2, to: 4),
      read(Rows.item(1, 10, 0, 3), from: 5, to: 6),
    ]
    #expect(judge(requests, in: ledger) == nil)
  }

  /// A release that finds the reservation expired changes nothing.
  @Test func aReleaseMayFindTheReservationExpired() {
    var ledger = Ledger.withOneReservation()
    _ = ledger.end("expired", Rows.item(1, 10, 0, 3), event: "InventoryReleased")
    let requests = [
      request(reserve, 200, from: 1, to: 2), request(.release(reservationId: Rows.id(5)), 200, from: 2, to: 9),
      read(Rows.item(1, 10, 3, 2), from: 2, to: 3), read(Rows.item(1, 10, 0, 3), from: 4, to: 6),
    ]
    #expect(judge(requests, in: ledger) == nil)
  }

  /// The expiry job comes when every client has left.
  @Test func whatHappensAfterTheLastRequestIsSeen() {
    var ledger = Ledger.withOneReservation()
    _ = ledger.end("expired", Rows.item(1, 10, 0, 3), event: "InventoryReleased")
    #expect(judge([request(reserve, 200, from: 1, to: 2)], in: ledger) == nil)
  }

  /// Of two updates of the same version one wins.
  @Test func twoAnswersThatSayTheSameVersionWasWonAreFound() {
    var ledger = Ledger.withOneReservation()
    _ = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 20, 3, 3))] }
    let won = request(.put(productId: product, quantity: 20, version: 2), 200, from: 2, to: 5) {
      $0.item = Rows.item(1, 20, 3, 3)
    }
    #expect(judge([unanswered(reserve, from: 1), won], in: ledger) == nil)
    #expect(judge([unanswered(reserve, from: 1), won, won], in: ledger) == .stockIsLinearizable)
  }

  /// An update of which nobody knows is taken for the cause of what the tables show, or for nothing.
  @Test(arguments: [20, 30])
  func anUpdateWithoutAnAnswerMayHaveHappened(_ quantity: Int) {
    var ledger = Ledger.withOneReservation()
    _ = ledger.commit { $0.items = [RowPair(old: Rows.item(1, 10, 3, 2), new: Rows.item(1, 20, 3, 3))] }
    let lost = unanswered(.put(productId: product, quantity: quantity, version: 2), from: 2)
    #expect(judge([unanswered(reserve, from: 1), lost], in: ledger) == (quantity == 20 ? nil : .stockIsLinearizable))
  }

  @Test func aSearchThatIsGivenUpIsNoVerdict() {
    let checker = StockIsLinearizable(steps: (0, 0))
    checker.note(read(Rows.item(1, 10, 0, 1), from: 5, to: 9))
    checker.note(request(reserve, 200, from: 1, to: 4))
    #expect(checker.judgeAtRest(Ledger.withOneReservation().shadow) == nil)
    #expect(checker.isUndecided)
  }
}
