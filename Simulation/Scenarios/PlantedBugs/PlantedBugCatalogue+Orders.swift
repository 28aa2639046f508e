internal import Checkers

extension PlantedBugCatalogue {
  // MARK: - Orders that are forgotten, told wrongly, or never go on

  static let orders: [PlantedBug] = [
    PlantedBug(
      "order-commit-swallowed", "some commits of the orders are answered and never happen", foundBy: ["checkout-chaos"],
      as: [
        .acceptedOrderIsStored, .moneyAndStockAgree, .acceptedCancelIsStored, .toldOrderWasSo, .everyEventArrives,
        .customerIsTold,
      ]
    ).with { $0.commits = .rollsBackOneIn(20) },
    PlantedBug(
      "order-key-forgotten", "a key that stands for an order is not looked up", foundBy: ["idempotency-storm"],
      as: [.acceptedOrderIsStored],
      rewrites: [
        StatementRewrite(
          in: "JOIN idempotency_keys AS k ON", replace: "k.key = r.key",
          with: "k.key = '' AND k.key = r.key"),
        StatementRewrite(
          in: "INSERT INTO idempotency_keys", replace: "AS k(user_id, key, request_hash, order_id)",
          with: "AS k(user_id, key, request_hash, order_id) ON CONFLICT DO NOTHING"),
      ]),
    PlantedBug(
      "saga-not-resumed", "nobody takes what a dead instance has left", foundBy: ["crash-mid-saga", "checkout-chaos"],
      as: [.comesToRest],
      rewrites: [
        StatementRewrite(
          in: "SELECT id FROM orders WHERE lease_until", replace: "WHERE lease_until <= now()",
          with: "WHERE lease_until <= now() - interval '1 day'")
      ]),
    PlantedBug(
      "cancel-ignored", "a cancel is answered and not noted", foundBy: ["cancel-race", "checkout-chaos"],
      as: [.acceptedCancelIsStored]
    ).with { $0.swallows = "UPDATE orders SET stop_reason" },
    PlantedBug(
      "stop-not-read", "a step is recorded without looking whether the order is cancelled",
      foundBy: ["cancel-race", "checkout-chaos"], as: [.stopIsHeeded],
      rewrites: [
        StatementRewrite(
          in: "saga_version, stop_reason, created_at", replace: "saga_version, stop_reason,",
          with: "saga_version, NULL::text AS stop_reason,")
      ]),
    PlantedBug(
      "lease-ignored", "an instance takes sagas that belong to another", foundBy: ["checkout", "checkout-chaos"],
      as: [.sagaHasOneOwner],
      rewrites: [
        StatementRewrite(
          in: "SELECT EXISTS (SELECT 1 FROM orders WHERE lease_until", replace: "lease_until <= now()",
          with: "lease_until <= now() + interval '1 hour'"),
        StatementRewrite(
          in: "SELECT id FROM orders WHERE lease_until", replace: "WHERE lease_until <= now()",
          with: "WHERE lease_until <= now() + interval '1 hour'"),
      ]),
    PlantedBug(
      "history-untold", "no history says what an order was", foundBy: ["checkout"], as: [.orderStatesAreLegal]
    ).with { $0.swallows = "INSERT INTO order_history" },
    PlantedBug(
      "notification-untold", "no customer is told of an order's end", foundBy: ["checkout"], as: [.orderTellsItsEnd]
    ).with { $0.swallows = "INSERT INTO notifications" },
    PlantedBug(
      "notification-marked-first", "a notification counts as delivered before it is sent", foundBy: ["checkout-chaos"],
      as: [.customerIsTold],
      rewrites: [
        StatementRewrite(
          in: "UPDATE notifications AS n SET attempts", replace: "SET attempts = n.attempts + 1",
          with: "SET delivered_at = now(), attempts = n.attempts + 1")
      ]),
    PlantedBug(
      "order-end-untold", "no event tells that an order is confirmed", foundBy: ["checkout"], as: [.orderTellsItsEnd],
      rewrites: [
        StatementRewrite(
          in: "INSERT INTO outbox", replace: "AS e(id, type, subject, sequence, shard, correlation_id, data)",
          with: "AS e(id, type, subject, sequence, shard, correlation_id, data) WHERE e.type <> 'OrderConfirmed'")
      ]),
    PlantedBug(
      "confirmed-told-cancelled", "a customer is told of a confirmed order that it is cancelled",
      foundBy: ["checkout"], as: [.toldOrderWasSo]
    ).with {
      $0.answers = [
        .init(to: "GET /orders/", replace: "\"status\":\"CONFIRMED\"", with: "\"status\":\"CANCELLED\"")
      ]
    },
    PlantedBug(
      "confirm-not-sent", "a paid order's reservation is not confirmed: it expires, and is sold again",
      foundBy: ["checkout", "checkout-chaos"], as: [.moneyAndStockAgree]
    ).with { $0.calls = [.confirmsWithoutAsking] },
    PlantedBug(
      "first-line-reserved", "of an order's lines only the first is reserved", foundBy: ["checkout"],
      as: [.moneyAndStockAgree]
    ).with { $0.calls = [.reservesFirstLineOnly] },
    PlantedBug(
      "release-not-sent", "what an order held is not released", foundBy: ["payment-declined", "checkout-chaos"],
      as: [.moneyAndStockAgree]
    ).with { $0.calls = [.releasesWithoutAsking] },
    PlantedBug(
      "late-reserve-forgotten", "nothing is released after a reserve without an answer",
      foundBy: ["slow-inventory", "malformed-inventory"], as: [.moneyAndStockAgree]
    ).with { $0.calls = [.forgetsLateReserves] },
    PlantedBug(
      "lost-reserve-denied", "a reserve without an answer is taken for one that cannot have happened",
      foundBy: ["slow-inventory", "malformed-inventory"], as: [.moneyAndStockAgree]
    ).with { $0.calls = [.takesLostReserveForNone] },
    PlantedBug(
      "refusal-taken-for-failure", "what the inventory refuses is tried again, and opens the circuit",
      foundBy: ["checkout-chaos"], as: [.noOrderFailsAfterHealing]
    ).with { $0.calls = [.refusalsAreFailures] },
    PlantedBug(
      "circuit-stays-open", "a circuit that has opened does not close again", foundBy: ["inventory-down"],
      as: [.noOrderFailsAfterHealing, .plentyIsConfirmed, .comesToRest]
    ).with { $0.calls = [.breakerStaysOpen] },
  ]

  // MARK: - Money

  static let payments: [PlantedBug] = [
    PlantedBug(
      "charge-key-lost", "each attempt to charge has a key of its own", foundBy: ["payment-lost", "checkout-chaos"],
      as: [.moneyAndStockAgree, .comesToRest]
    ).with { $0.requests = .freshIdempotencyKeys },
    PlantedBug(
      "lost-charge-declined", "a charge without an answer is taken for declined", foundBy: ["payment-lost"],
      as: [.moneyAndStockAgree, .failureApplies]
    ).with { $0.calls = [.takesLostChargeForDeclined] },
    PlantedBug(
      "decline-taken-for-capture", "a declined charge is taken for captured", foundBy: ["payment-declined"],
      as: [.moneyAndStockAgree]
    ).with { $0.calls = [.takesDeclineForCapture] },
    PlantedBug(
      "half-charged", "half of what an order costs is charged", foundBy: ["checkout"], as: [.moneyAndStockAgree]
    ).with { $0.calls = [.chargesHalf] },
    PlantedBug(
      "refund-not-sent", "what an order was paid is not given back",
      foundBy: ["expiry-against-payment", "checkout-chaos"], as: [.moneyAndStockAgree]
    ).with { $0.calls = [.refundsWithoutAsking] },
  ]

  // MARK: - Events on their way

  static let messages: [PlantedBug] = [
    PlantedBug(
      "confirm-assumed", "a tenth of the events is taken for published and never sent",
      foundBy: ["broker-restart", "checkout", "checkout-chaos"], as: [.everyEventIsPublished]
    ).with { $0.broker = [.confirmsWithoutSending] },
    PlantedBug(
      "acknowledged-too-early", "a delivery is acknowledged before it is handled",
      foundBy: ["poison-message"], as: [.poisonIsSetAside, .everyEventArrives]
    ).with { $0.broker = [.acknowledgesBeforeHandling] },
    PlantedBug(
      "copies-unlike", "each copy of an event has an id of its own", foundBy: ["duplicate-delivery"],
      as: [.publishedWasCommitted]
    ).with { $0.broker = [.freshMessageIds] },
    PlantedBug(
      "outbox-read-backwards", "what was committed last is published first", foundBy: ["broker-restart"],
      as: [.subjectOrderIsKept],
      rewrites: [
        StatementRewrite(in: "FROM outbox WHERE shard", replace: "ORDER BY position", with: "ORDER BY position DESC")
      ]),
    PlantedBug(
      "inbox-forgets", "an event that took effect takes effect again when it is delivered again",
      foundBy: ["duplicate-delivery", "broker-restart"], as: [.takesEffectOnce],
      rewrites: [
        StatementRewrite(
          in: "FROM inbox WHERE event_id", replace: "processed_at IS NOT NULL AS is_processed",
          with: "attempts < 0 AS is_processed"),
        StatementRewrite(
          in: "SELECT event_id FROM inbox", replace: " AND processed_at IS NULL AND dead_at IS NULL", with: ""),
      ]),
    PlantedBug(
      "attempts-not-counted", "a failed event is tried again for ever", foundBy: ["poison-message"],
      as: [.poisonIsSetAside, .plentyIsConfirmed],
      rewrites: [
        StatementRewrite(
          in: "INSERT INTO inbox", replace: "attempts = inbox.attempts + 1", with: "attempts = inbox.attempts")
      ]),
    PlantedBug(
      "retry-without-revival", "a dead letter is sent again, and its event is still given up",
      foundBy: ["poison-message"],
      as: [.deadLetterIsRetried]
    ).with { $0.swallows = "UPDATE inbox SET attempts = 0" },
    PlantedBug(
      "dead-letter-dropped", "what is given up is stored nowhere", foundBy: ["poison-message"],
      as: [.deadLetterIsStored]
    ).with { $0.swallows = "INSERT INTO dead_letters" },
  ]
}
