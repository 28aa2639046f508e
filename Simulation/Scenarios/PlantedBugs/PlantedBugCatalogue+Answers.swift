internal import Checkers

extension PlantedBugCatalogue {
  // MARK: - Refusals of what should have been done

  static let refusals: [PlantedBug] = [
    PlantedBug(
      "last-unit-kept", "the last unit of a product is never sold", foundBy: ["last-item", "inventory-chaos"],
      as: [.stockWasShort, .eventOfItsTransaction],
      rewrites: [
        StatementRewrite(
          in: "transaction_time FROM inventory_items", replace: "quantity, reserved,",
          with: "greatest(quantity - 1, reserved) AS quantity, reserved,")
      ]),
    PlantedBug(
      "sold-out-product-unknown", "a product that is sold out is called unknown", as: [.rowWasAbsent],
      rewrites: [
        StatementRewrite(
          in: "SELECT product_id, quantity, reserved, version FROM inventory_items",
          replace: "WHERE product_id = $#", with: "WHERE product_id = $# AND quantity > reserved")
      ]),
    PlantedBug(
      "confirmed-reservation-unknown", "a reservation that was just confirmed is called unknown",
      foundBy: ["inventory-chaos", "expiry"], as: [.rowWasAbsent],
      rewrites: [
        StatementRewrite(
          in: "AS is_overdue", after: "UPDATE reservations SET status = 'confirmed'", replace: "WHERE r.id = $#",
          with: "WHERE r.id = $# AND r.status = 'pending'")
      ]),
    PlantedBug(
      "confirm-never-pending", "a confirmation finds no reservation pending", foundBy: ["inventory-chaos", "expiry"],
      as: [.reservationHadEnded],
      rewrites: [
        StatementRewrite(
          in: "UPDATE reservations SET status = 'confirmed'", replace: "AND status = 'pending'",
          with: "AND status = 'confirmed'")
      ]),
    PlantedBug(
      "expired-too-early", "a reservation counts as expired half a second before its time",
      foundBy: ["inventory-chaos", "expiry"], as: [.reservationWasOverdue],
      rewrites: [
        StatementRewrite(
          in: "UPDATE reservations SET status = 'confirmed'", replace: "expires_at > now()",
          with: "expires_at > now() + interval '500 milliseconds'"),
        StatementRewrite(
          in: "WHERE r.id = $", replace: "r.expires_at <= now() AS is_overdue",
          with: "r.expires_at <= now() + interval '500 milliseconds' AS is_overdue"),
      ]),
    PlantedBug(
      "conflict-with-itself", "an update is refused as a conflict with the version that its caller read",
      foundBy: ["stale-version", "inventory-chaos"], as: [.versionHadChanged],
      rewrites: [
        StatementRewrite(
          in: "UPDATE inventory_items SET quantity = $", replace: "AND version = $#", with: "AND version = $# + 1")
      ]),
    PlantedBug(
      "conflict-called-below-reserved", "an update of an old version is told that more is reserved",
      foundBy: ["stale-version", "inventory-chaos"], as: [.moreWasReserved]
    ).with {
      $0.answers = [.init(to: "PUT /inventory/", replace: "\"version_conflict\"", with: "\"quantity_below_reserved\"")]
    },
    PlantedBug(
      "stored-answer-not-found", "a replenishment that comes again is told that its key is in use", as: [.keyWasInUse],
      rewrites: [
        StatementRewrite(
          in: "SELECT request_hash, status, response FROM idempotency_keys", replace: "WHERE operation",
          with: "WHERE status <> 200 AND operation")
      ]),
  ]

  // MARK: - Answers that are wrong, or none

  private static let readsRemembered = PlantedBug(
    "reads-remembered", "each answer to a read of an item is given once more, however old it is then",
    as: [.staleReadIsBounded, .stockIsLinearizable]
  ).with { $0.requests = .rememberedReads }

  static let answers: [PlantedBug] = [
    PlantedBug(
      "sold-out-divides-by-zero", "statistics divide by what is available", as: [.noInternalError],
      rewrites: [
        StatementRewrite(
          in: "AS sold_out", replace: "coalesce(sum(quantity), 0)",
          with: "coalesce(sum(quantity + 0 / (quantity - reserved)), 0)")
      ]),
    PlantedBug(
      "threshold-left-out", "low stock leaves out what is at the threshold", as: [.aggregateIsTrue],
      rewrites: [
        StatementRewrite(
          in: "WHERE quantity - reserved <=", replace: "quantity - reserved <=", with: "quantity - reserved <")
      ]),
    PlantedBug(
      "least-reserved", "the most reserved products are those with the least", as: [.aggregateIsTrue],
      rewrites: [StatementRewrite(in: "ORDER BY reserved DESC", replace: "reserved DESC", with: "reserved")]),
    PlantedBug(
      "all-reservations-pending", "statistics count every reservation as pending", as: [.aggregateIsTrue],
      rewrites: [
        StatementRewrite(in: "count(*) AS pending", replace: " WHERE status = 'pending'", with: "")
      ]),
    PlantedBug(
      "expired-miscounted", "the expiry job says ten more than it did", foundBy: ["inventory-chaos", "expiry"],
      as: [.expiryIsCounted]
    ).with {
      $0.answers = [.init(to: "POST /admin/reservations/expire", replace: "\"expired\":", with: "\"expired\":1")]
    },
    readsRemembered,
    PlantedBug(
      "answer-cut-off", "the answer to a reservation lacks its last brace",
      foundBy: ["last-item", "opposite-order", "expiry", "inventory-chaos"], as: [.answersAreWhole]
    ).with { $0.answers = [.init(to: "POST /inventory/reserve", replace: "}]}", with: "}]")] },
  ]

  // MARK: - Bugs that another checker finds first

  /// Each is a bug of the lists before, judged by the checker that would not have its turn.
  static let masked: [PlantedBug] = [
    releaseWithoutGuard.judgedAlone(
      "released-after-its-end", "a release takes what has ended; only the states are judged",
      foundBy: ["inventory-chaos"], as: [.endsOnce]),
    putWithoutVersion.judgedAlone(
      "version-won-twice", "an update happens to any version; only what writers were told is judged",
      foundBy: ["stale-version"], as: [.oneWriterWins]),
    firstLineReturned.judgedAlone(
      "stock-held-for-ever", "a release returns the first line only; only what is held at rest is judged",
      foundBy: ["inventory-chaos"], as: [.nothingHeldAtRest]),
    readsRemembered.judgedAlone(
      "reads-out-of-order", "answers to reads are given once more; only what clients are told together is judged",
      foundBy: ["inventory-chaos"], as: [.stockIsLinearizable]),
    orderNotLookedUp.judgedAlone(
      "two-reservations-told", "an order gets another reservation; only what its client was told is judged",
      foundBy: ["inventory-chaos"], as: [.retryIsTheSame]),
  ]
}
