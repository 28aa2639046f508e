import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Orders
import Seams
import ServiceKit
import SimulationKernel
import Testing

/// Sagas that do not go straight to a confirmed order.
@Suite struct SagaRunTests {
  @Test func aDeclinedPaymentReleasesTheStock() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order(token: "tok_declined").orderId)
      check(
        order.history == ["PENDING", "RESERVED", "FAILED"] && order.failureCode == "payment_declined", "\(order.json)")
    }
    #expect(bench.inventory.calls == ["reserve", "release payment_failed"])
    #expect(bench.payments.statuses.isEmpty)
    #expect(bench.rows("notifications", "type") == ["order_failed"])
    #expect(bench.rows("outbox", "type") == ["OrderCreated", "OrderFailed"])
  }

  @Test(arguments: [true, false])
  func aProductThatIsShortFailsTheOrderAndReleasesWhatMayStillArrive(_ isConclusive: Bool) throws {
    let bench = try OrdersBench()
    bench.inventory.reserveResults = [
      .insufficientStock([.init(productId: product(1), requested: 2, available: 1)], isConclusive: isConclusive)
    ]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.history == ["PENDING", "FAILED"] && order.failureCode == "insufficient_stock")
    }
    #expect(bench.inventory.calls == (isConclusive ? ["reserve"] : ["reserve", "release orphan"]))
    #expect(bench.payments.calls.isEmpty)
  }

  @Test func anInventoryThatIsAwayFailsTheOrderAndTellsTheCustomer() throws {
    let bench = try OrdersBench()
    bench.inventory.troubles["reserve"] = [.failure(.unavailable)]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.orderStatus == "FAILED" && order.failureCode == "upstream_unavailable")
    }
    #expect(bench.inventory.calls == ["reserve", "release timeout"])
    #expect(bench.rows("saga_steps", "step", "status") == ["release done", "reserve failed"])
    #expect(bench.rows("notifications", "type") == ["order_failed"])
  }

  /// Nothing was sent, so that nobody has to be there for the order to end.
  @Test(arguments: [ServiceCallError.Code.connectFailed, .circuitOpen])
  func anInventoryThatCouldNotBeAskedEndsTheOrderAtOnce(_ code: ServiceCallError.Code) throws {
    let bench = try OrdersBench()
    bench.inventory.troubles["reserve"] = [.failure(code)]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.history == ["PENDING", "FAILED"], "\(order.json)")
    }
    #expect(bench.inventory.calls == ["reserve"])
    #expect(bench.rows("saga_steps", "step", "status") == ["reserve failed"])
    #expect(bench.rows("notifications", "type") == ["order_failed"])
    #expect(bench.rows("outbox", "type") == ["OrderCreated", "OrderFailed"])
  }

  /// Whoever finds the request itself wrong finds it wrong again: the order fails at once, and nothing is held.
  @Test func aChargeThatTheProviderRejectsFailsTheOrder() throws {
    let bench = try OrdersBench()
    bench.payments.troubles["charge"] = [.failure(.rejected)]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.orderStatus == "FAILED" && order.failureCode == "upstream_rejected", "\(order.json)")
    }
    #expect(bench.inventory.calls == ["reserve", "release orphan"])
    #expect(bench.payments.calls == ["charge"])
  }

  @Test func aReleaseThatTheInventoryRejectsIsStuckAfterFiveTimes() throws {
    let bench = try OrdersBench()
    bench.inventory.troubles["release"] = Array(repeating: .failure(.rejected), count: 5)
    bench.run { callers in
      _ = try await callers[0].order(token: "tok_declined")
      try await callers[0].pause(.seconds(120))
    }
    #expect(bench.rows("orders", "saga_state", "saga_refusals") == ["stuck 5"])
  }

  /// Captured, and the answer lost: the same key is asked again, and captured once.
  @Test func aChargeWhoseAnswerWasLostIsAskedForAgain() throws {
    let bench = try OrdersBench()
    bench.payments.troubles["charge"] = [.lostAnswer, .failure(.unavailable)]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.orderStatus == "CONFIRMED")
    }
    #expect(bench.payments.calls == ["charge", "charge", "charge"])
    #expect(bench.payments.statuses == ["captured"])
    #expect(bench.rows("saga_steps", "step", "attempts").contains("charge 3"))
  }

  /// Nobody knows whether it was captured until the time for going forward is over: it is found out, and given back.
  @Test func aChargeThatNobodyKnowsOfIsGivenBackWhenTheTimeIsUp() throws {
    let bench = try OrdersBench()
    var times = SagaTimes()
    times.forward = .seconds(5)
    bench.payments.troubles["charge"] = [.lostAnswer] + Array(repeating: .failure(.unavailable), count: 4)
    bench.run(configuration: OrdersConfiguration(times: times)) { callers in
      let id = try await callers[0].order().orderId
      try await callers[0].pause(.seconds(9))
      let order = try await callers[0].settled(id)
      check(order.orderStatus == "FAILED" && order.failureCode == "upstream_unavailable", "\(order.json)")
    }
    #expect(bench.payments.statuses == ["refunded"])
    #expect(bench.inventory.calls.last == "release timeout")
  }

  @Test func aReservationThatEndedAfterTheCaptureIsRefunded() throws {
    let bench = try OrdersBench()
    bench.inventory.confirmResults = [.expired]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.history == ["PENDING", "RESERVED", "PAID", "FAILED"], "\(order.json)")
      check(order.failureCode == "reservation_expired")
    }
    #expect(bench.payments.statuses == ["refunded"])
  }

  @Test func aConfirmationIsTriedUntilItIsAnswered() throws {
    let bench = try OrdersBench()
    bench.inventory.troubles["confirm"] = [.failure(.unavailable), .lostAnswer]
    bench.run { callers in
      let order = try await callers[0].settled(try await callers[0].order().orderId)
      check(order.orderStatus == "CONFIRMED")
    }
    #expect(bench.inventory.calls == ["reserve", "confirm", "confirm", "confirm"])
    #expect(bench.payments.statuses == ["captured"])
  }

  /// A compensation that meets failures goes on; one that meets refusals is stuck, for somebody to see.
  @Test func aRefundThatIsRefusedForGoodIsStuck() throws {
    let bench = try OrdersBench()
    bench.inventory.confirmResults = [.expired]
    bench.payments.during = { name in
      if name == "refund" { bench.payments.captures = [:] }
    }
    bench.run { callers in
      let id = try await callers[0].order().orderId
      try await callers[0].pause(.seconds(120))
      let order = try await callers[0].send(.get, "/orders/\(id)")
      check(order.orderStatus == "PAID")
    }
    #expect(bench.rows("orders", "saga_state", "saga_refusals") == ["stuck 5"])
    #expect(bench.rows("saga_steps", "step", "status").contains("refund refused"))
  }

  // MARK: Cancelling

  /// While the call is under way: it ends, and what it did is undone.
  @Test(arguments: [
    ("reserve", ["PENDING", "RESERVED", "CANCELLED"]), ("charge", ["PENDING", "RESERVED", "PAID", "CANCELLED"]),
    ("confirm", ["PENDING", "RESERVED", "PAID", "CONFIRMED"]),
  ])
  func anOrderIsCancelledDuringACall(_ call: String, _ history: [String]) throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let caller = callers[0]
      let cancelled = Doorbell()
      let during: @Sendable (String) async throws -> Void = { name in
        guard name == call, case .array(let orders) = try await caller.send(.get, "/orders").json["items"] else {
          return
        }
        let answer = try await caller.send(.post, "/orders/\(orders[0]["orderId"]?.string ?? "")/cancel")
        check(answer.status == 202, "\(answer.json)")
        cancelled.ring()
      }
      bench.inventory.during = during
      bench.payments.during = during
      let id = try await caller.order().orderId
      try await cancelled.wait()
      let order = try await caller.settled(id)
      check(order.history == history, "\(order.history)")
      let again = try await caller.send(.post, "/orders/\(id)/cancel")
      check(history.last == "CANCELLED" ? again.status == 202 : again.code == "order_not_cancellable")
    }
    #expect(bench.payments.statuses == (call == "reserve" ? [] : call == "charge" ? ["refunded"] : ["captured"]))
    #expect(bench.inventory.calls.last == (call == "confirm" ? "confirm" : "release cancelled"))
  }

  @Test func aFailedOrderCannotBeCancelled() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let id = try await callers[0].order(token: "tok_declined").orderId
      _ = try await callers[0].settled(id)
      let answer = try await callers[0].send(.post, "/orders/\(id)/cancel")
      check(answer.status == 409 && answer.code == "order_not_cancellable" && answer.string("orderStatus") == "FAILED")
    }
  }
}
