import Checkers
import Foundation
import Seams
import Testing

/// Commits of the orders' tables played into their shadow one by one, beside the inventory's.
private struct OrdersLedger {
  let shadow = OrdersShadow()
  let stock = InventoryShadow()
  private var now: Int64 = 0
  private(set) var around: OrderSurroundings

  init() { around = OrderSurroundings(stock: stock) { _ in [] } }

  /// Commits and judges with every checker but the one of money and stock, which has tests of its own.
  mutating func commit(at milliseconds: Int64? = nil, _ fill: (inout OrdersCommit) -> Void) -> Violation? {
    now = milliseconds ?? now + 1
    var commit = OrdersCommit(time: MonotonicInstant(nanoseconds: now * 1_000_000))
    fill(&commit)
    shadow.apply(commit)
    for checker in OrderCheckers.all where !(checker is MoneyAndStockAgree) {
      if let violation = checker.judge(commit, in: shadow, around) { return violation }
    }
    return nil
  }

  /// Makes the order 1 as it should be made.
  mutating func makeOrder(token: String = "tok_ok") -> Violation? {
    commit {
      $0.orders = [
        RowPair(old: nil, new: OrderRow(id: Rows.id(1), status: "PENDING", sagaState: "forward", paymentToken: token))
      ]
      $0.items = [OrderItemRow(orderId: Rows.id(1), productId: Rows.id(50), quantity: 3)]
      $0.history = [OrderHistoryRow(orderId: Rows.id(1), status: "PENDING")]
      $0.outbox = [Rows.event(70, "OrderCreated", of: 1, sequence: 1)]
    }
  }

  /// Takes the order 1 to `status`, with what belongs to it and what `change` makes of it.
  mutating func move(
    to status: String, failure: String? = nil, at milliseconds: Int64? = nil,
    _ change: (inout OrdersCommit) -> Void = { _ in }
  ) -> Violation? {
    let old = shadow.orders[Rows.id(1)]
    var new = OrderRow(
      id: Rows.id(1), status: status, sagaState: "forward", failureCode: failure,
      paymentToken: old?.paymentToken ?? "tok_ok")
    if new.isFinal { new.sagaState = "done" }
    return commit(at: milliseconds) {
      $0.orders = [RowPair(old: old, new: new)]
      $0.history = [OrderHistoryRow(orderId: Rows.id(1), status: status)]
      if new.isFinal {
        $0.outbox = [Rows.event(71, "Order" + status.prefix(1) + status.dropFirst().lowercased(), of: 1, sequence: 2)]
        $0.notifications = [
          NotificationRow(id: Rows.id(80), orderId: Rows.id(1), type: "order_" + status.lowercased())
        ]
      }
      change(&$0)
    }
  }

  mutating func look(_ change: (inout OrderSurroundings) -> Void) { change(&around) }

  func judgeAtRest() -> Violation? {
    for checker in OrderCheckers.all where !(checker is MoneyAndStockAgree) {
      if let violation = checker.judgeAtRest(shadow, around) { return violation }
    }
    return nil
  }
}

@Suite struct OrderCheckerTests {
  /// The events of these numbers as they are published: 70 and 71 are an order's, 90 is of the inventory.
  private static func events(_ numbers: UInt64..., last: String = "OrderConfirmed") -> [PublishedEvent] {
    numbers.map { number in
      let (type, subject, sequence): (String, UInt64, Int) =
        switch number {
        case 70: ("OrderCreated", 1, 1)
        case 71: (last, 1, 2)
        default: ("InventoryReserved", 5, 1)
        }
      return PublishedEvent(
        id: Rows.id(number), type: type, subject: Rows.id(subject).uuidString.lowercased(), sequence: sequence)
    }
  }

  @Test func anOrderThatGoesItsWayAndTellsItsEndIsFine() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    for status in ["RESERVED", "PAID", "CONFIRMED"] { #expect(ledger.move(to: status) == nil) }
    ledger.look {
      $0.published = Self.events(70, 71, 70)
      $0.told = [Rows.id(80): "order_confirmed"]
    }
    #expect(ledger.judgeAtRest() == nil)
  }

  @Test(arguments: [
    ["CONFIRMED"], ["PAID"], ["RESERVED", "CONFIRMED"], ["CANCELLED", "FAILED"], ["FAILED", "PENDING"],
  ])
  func aStateThatDoesNotFollowIsFound(_ states: [String]) {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder(token: "tok_declined") == nil)
    for state in states.dropLast() { #expect(ledger.move(to: state, failure: "payment_declined") == nil) }
    #expect(ledger.move(to: states[states.count - 1])?.invariant == .orderStatesAreLegal)
  }

  @Test func aStateWithoutHistoryAndADeletedOrderAreFound() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    #expect(ledger.move(to: "RESERVED") { $0.history = [] }?.invariant == .orderStatesAreLegal)
    let row = ledger.shadow.orders[Rows.id(1)]
    #expect(ledger.commit { $0.orders = [RowPair(old: row, new: nil)] }?.invariant == .orderStatesAreLegal)
  }

  @Test func anEndWithoutItsEventOrItsNotificationIsFound() {
    for change in [{ $0.outbox = [] }, { $0.notifications = [] }, { $0.outbox[0].type = "OrderCancelled" }]
      as [(inout OrdersCommit) -> Void]
    {
      var ledger = OrdersLedger()
      #expect(ledger.makeOrder(token: "tok_declined") == nil)
      #expect(ledger.move(to: "FAILED", failure: "payment_declined", change)?.invariant == .orderTellsItsEnd)
    }
  }

  @Test func anEventOfNothingIsFound() {
    var ledger = OrdersLedger()
    let violation = ledger.commit { $0.outbox = [Rows.event(72, "OrderFailed", of: 1, sequence: 2)] }
    #expect(violation?.invariant == .orderTellsItsEnd)
  }

  // MARK: Why orders fail

  @Test func aSoldOutProductIsAReasonAndAFullOneIsNone() {
    for (available, isReason) in [(2, true), (3, false)] {
      var ledger = OrdersLedger()
      ledger.stock.apply(stock(available))
      #expect(ledger.makeOrder() == nil)
      let violation = ledger.move(to: "FAILED", failure: "insufficient_stock")
      #expect(violation?.invariant == (isReason ? nil : .failureApplies))
    }
  }

  @Test(arguments: ["payment_declined", "reservation_expired", "product_not_found", "made_up"])
  func aReasonThatDoesNotApplyIsFound(_ code: String) {
    var ledger = OrdersLedger()
    ledger.stock.apply(stock(100))
    #expect(ledger.makeOrder() == nil)
    #expect(ledger.move(to: "FAILED", failure: code)?.invariant == .failureApplies)
  }

  @Test(arguments: ["upstream_unavailable", "upstream_timeout", "circuit_open"])
  func noAnswerIsAReasonUntilEverythingHasRecovered(_ code: String) {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    ledger.look { $0.recoveredAt = MonotonicInstant(nanoseconds: 500_000_000) }
    #expect(ledger.move(to: "FAILED", failure: code, at: 900) == nil, "it was made before that")
    var later = OrdersLedger()
    later.look { $0.recoveredAt = MonotonicInstant(nanoseconds: 0) }
    #expect(later.makeOrder() == nil)
    #expect(later.move(to: "FAILED", failure: code)?.invariant == .noOrderFailsAfterHealing)
  }

  private func stock(_ available: Int) -> StoreCommit {
    var commit = StoreCommit(time: MonotonicInstant(nanoseconds: 0))
    commit.items = [RowPair(old: nil, new: Rows.item(50, available, 0, 1))]
    return commit
  }

  // MARK: Events on their way

  @Test func anEventThatIsNotPublishedAndOneThatNobodyCommittedAreFound() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    #expect(ledger.judgeAtRest()?.invariant == .everyEventIsPublished)
    ledger.look { $0.published = Self.events(70, 99) }
    #expect(ledger.judgeAtRest()?.invariant == .publishedWasCommitted)
    ledger.look { $0.foreign = [Rows.id(99)] }
    #expect(ledger.judgeAtRest() == nil)
  }

  @Test func firstCopiesOutOfOrderAreFoundAndLaterCopiesAreNot() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder(token: "tok_declined") == nil)
    #expect(ledger.move(to: "FAILED", failure: "payment_declined") == nil)
    ledger.look {
      $0.told = [Rows.id(80): "order_failed"]
      $0.published = Self.events(70, 71, 70, last: "OrderFailed")
    }
    #expect(ledger.judgeAtRest() == nil)
    ledger.look { $0.published = Self.events(71, 70, last: "OrderFailed") }
    #expect(ledger.judgeAtRest()?.invariant == .subjectOrderIsKept)
  }

  @Test func anEventThatSaysSomethingElseThanItsRowIsFound() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    for change in [{ $0.type = "OrderFailed" }, { $0.sequence = 2 }, { $0.subject = "somebody" }]
      as [(inout PublishedEvent) -> Void]
    {
      ledger.look {
        $0.published = Self.events(70)
        change(&$0.published[0])
      }
      #expect(ledger.judgeAtRest()?.invariant == .publishedWasCommitted)
    }
  }

  @Test(arguments: [("PENDING", true), ("RESERVED", true), ("PAID", false)])
  func aStopBeforeThePaymentIsHeeded(_ status: String, _ isFound: Bool) {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    func stop(_ ledger: inout OrdersLedger) {
      let old = ledger.shadow.orders[Rows.id(1)]
      var new = old
      new?.stopReason = "cancelled"
      #expect(ledger.commit { $0.orders = [RowPair(old: old, new: new)] } == nil)
    }
    for state in ["PENDING", "RESERVED", "PAID"] {
      if state != "PENDING" { #expect(ledger.move(to: state) == nil) }
      if state == status { stop(&ledger) }
    }
    #expect(ledger.move(to: "CONFIRMED")?.invariant == (isFound ? .stopIsHeeded : nil))
  }

  @Test func aClaimBeforeTheLeaseIsOverIsFound() {
    for (until, number, isFine) in [(Int64(1), 2, true), (900_000, 2, false), (1, 3, false)] {
      var ledger = OrdersLedger()
      #expect(ledger.makeOrder() == nil)
      var old = ledger.shadow.orders[Rows.id(1)]
      old?.leaseUntil = Timestamp(microsecondsSinceEpoch: until)
      var new = old
      new?.leaseNumber = number
      let violation = ledger.commit(at: 500) { $0.orders = [RowPair(old: old, new: new)] }
      #expect(violation?.invariant == (isFine ? nil : .sagaHasOneOwner))
    }
  }

  @Test func anEventOfTheInventoryThatNeverArrivesIsFound() {
    var ledger = OrdersLedger()
    ledger.look {
      $0.stockEvents = [Rows.event(90, "InventoryReserved", of: 5, sequence: 1)]
      $0.published = Self.events(90)
      $0.handledTypes = ["InventoryReserved"]
    }
    #expect(ledger.judgeAtRest()?.invariant == .everyEventArrives)
    #expect(ledger.commit { $0.inbox = [RowPair(old: nil, new: inbox(1))] } == nil)
    #expect(ledger.judgeAtRest()?.invariant == .everyEventArrives)
    #expect(ledger.commit { $0.inbox = [RowPair(old: inbox(1), new: inbox(1, processed: 5))] } == nil)
    #expect(ledger.judgeAtRest() == nil)
    ledger.look { $0.waiting = [("orders.inventory-events", 1)] }
    #expect(ledger.judgeAtRest()?.invariant == .everyEventArrives)
  }

  @Test func aSecondEffectAndAttemptsWithoutEndAreFound() {
    var ledger = OrdersLedger()
    let twice = ledger.commit { $0.inbox = [RowPair(old: inbox(1, processed: 5), new: inbox(2, processed: 9))] }
    #expect(twice?.invariant == .takesEffectOnce)
    #expect(ledger.commit { $0.inbox = [RowPair(old: inbox(5), new: inbox(6))] } == nil)
    #expect(ledger.commit { $0.inbox = [RowPair(old: inbox(6), new: inbox(7))] }?.invariant == .takesEffectOnce)
  }

  @Test func anEventThatIsGivenUpNeedsADeadLetterWithAReason() {
    for (reason, isFine) in [("it is poison", true), ("", false), (nil, false)] {
      var ledger = OrdersLedger()
      let violation = ledger.commit {
        $0.inbox = [RowPair(old: inbox(5), new: inbox(5, dead: 7))]
        if let reason {
          $0.deadLetters = [
            RowPair(old: nil, new: DeadLetterRow(id: Rows.id(60), eventId: Rows.id(90), reason: reason))
          ]
        }
      }
      #expect(violation?.invariant == (isFine ? nil : .deadLetterIsStored))
    }
  }

  private func inbox(_ attempts: Int, processed: Int64? = nil, dead: Int64? = nil) -> InboxRow {
    InboxRow(
      eventId: Rows.id(90), attempts: attempts,
      processedAt: processed.map { Timestamp(microsecondsSinceEpoch: $0) },
      deadAt: dead.map { Timestamp(microsecondsSinceEpoch: $0) })
  }

  @Test func aCustomerWhoIsNotToldOrToldOfSomethingElseIsFound() {
    for told in [[:], [Rows.id(80): "order_failed"], [Rows.id(80): "order_cancelled", Rows.id(81): "order_failed"]] {
      var ledger = OrdersLedger()
      #expect(ledger.makeOrder() == nil)
      #expect(ledger.move(to: "CANCELLED") == nil)
      ledger.look {
        $0.published = Self.events(70, 71, last: "OrderCancelled")
        $0.told = told
      }
      #expect(ledger.judgeAtRest()?.invariant == .customerIsTold)
    }
  }

  // MARK: What clients are told

  @Test func aStateThatTheOrderWasNotInIsFound() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    #expect(ledger.move(to: "RESERVED", at: 100) == nil)
    #expect(ledger.move(to: "PAID", at: 200) == nil)
    func told(_ status: String, _ start: Int64, _ end: Int64) -> Violation? {
      ToldOrdersAreTrue().judge(
        order: Rows.id(1), told: status, from: MonotonicInstant(nanoseconds: start * 1_000_000),
        to: MonotonicInstant(nanoseconds: end * 1_000_000), in: ledger.shadow)
    }
    #expect(told("RESERVED", 120, 150) == nil)
    #expect(told("RESERVED", 150, 250) == nil && told("PAID", 150, 250) == nil)
    #expect(told("PENDING", 120, 150)?.invariant == .toldOrderWasSo)
    #expect(told("PAID", 120, 150)?.invariant == .toldOrderWasSo)
  }

  @Test func aCancelThatIsNotNotedIsFound() {
    var ledger = OrdersLedger()
    #expect(ledger.makeOrder() == nil)
    let start = MonotonicInstant(nanoseconds: 50_000_000)
    let checker = ToldOrdersAreTrue()
    #expect(checker.judge(cancelOf: Rows.id(1), since: start, in: ledger.shadow)?.invariant == .acceptedCancelIsStored)
    let old = ledger.shadow.orders[Rows.id(1)]
    var new = old
    new?.stopReason = "cancelled"
    #expect(ledger.commit { $0.orders = [RowPair(old: old, new: new)] } == nil)
    #expect(checker.judge(cancelOf: Rows.id(1), since: start, in: ledger.shadow) == nil)
  }
}
