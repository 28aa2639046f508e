internal import Checkers

/// The planted bugs there are. Many are what systems of this kind get wrong in the field (DESIGN, "The domain").
public enum PlantedBugCatalogue {
  public static let all: [PlantedBug] =
    guards + locking + bookkeeping + events + idempotency + refusals + answers + cache + orders + payments + messages
    + masked

  /// The bug called `name`.
  public static func bug(named name: String) -> PlantedBug? {
    all.first { $0.name == name }
  }

  /// The bug that a run carries; `nil` when it carries none.
  ///
  /// - Precondition: the planted bug that the settings name exists.
  static func bug(of settings: RunSettings) -> PlantedBug? {
    settings.plantedBug.map { name in
      guard let bug = bug(named: name) else { preconditionFailure("there is no planted bug \(name)") }
      return bug
    }
  }

  // MARK: - Guards that are missing from the statement that needs them

  private static let guards: [PlantedBug] = [
    PlantedBug(
      "confirm-without-guard", "a reservation is confirmed whatever state it is in",
      foundBy: ["inventory-chaos", "expiry"], as: [.confirmedInTime, .reservedIsPending, .noInternalError],
      rewrites: [
        StatementRewrite(
          in: "UPDATE reservations SET status = 'confirmed'",
          replace: " AND status = 'pending' AND expires_at > now()", with: "")
      ]),
    PlantedBug(
      "confirm-after-expiry", "a reservation is confirmed though its time is over",
      foundBy: ["expiry", "inventory-chaos"], as: [.confirmedInTime],
      rewrites: [
        StatementRewrite(
          in: "UPDATE reservations SET status = 'confirmed'", replace: " AND expires_at > now()", with: "")
      ]),
    releaseWithoutGuard,
    PlantedBug(
      "expire-without-guard", "the expiry job takes what others have ended or hold",
      foundBy: ["expiry", "inventory-chaos"], as: [.reservedIsPending, .confirmedUnitsLeft, .noInternalError],
      rewrites: [
        StatementRewrite(
          in: "FOR UPDATE SKIP LOCKED", replace: " AND status = 'pending' AND expires_at <= now()", with: ""),
        StatementRewrite(
          in: "UPDATE reservations SET status = 'expired'", replace: " AND status = 'pending'", with: ""),
      ]),
    putWithoutVersion,
    PlantedBug(
      "expiry-job-blind", "the expiry job finds nothing that is due", as: [.comesToRest],
      rewrites: [
        StatementRewrite(
          in: "SELECT id FROM reservations WHERE status = 'pending'", replace: "status = 'pending'",
          with: "status = 'due'")
      ]),
  ]

  static let releaseWithoutGuard = PlantedBug(
    "release-without-guard", "a reservation is released whatever state it is in",
    as: [.reservedIsPending, .noInternalError],
    rewrites: [
      StatementRewrite(
        in: "UPDATE reservations SET status = 'released'", replace: " AND status = 'pending'", with: "")
    ])

  static let putWithoutVersion = PlantedBug(
    "put-without-version", "an optimistic update happens to any version",
    foundBy: ["stale-version", "inventory-chaos"], as: [.ledgerAddsUp, .oneWriterWins, .stockIsLinearizable],
    rewrites: [
      StatementRewrite(
        in: "UPDATE inventory_items SET quantity = $", replace: " AND version = $#",
        with: " AND $#::int8 IS NOT NULL")
    ])

  // MARK: - Locks that are missing or taken in any order

  private static let locking: [PlantedBug] = [
    PlantedBug(
      "lock-order-removed", "a reservation's items are locked in any order",
      foundBy: ["opposite-order", "inventory-chaos"], as: [.lockOrder],
      rewrites: [
        StatementRewrite(
          in: "transaction_time FROM inventory_items", replace: " ORDER BY product_id FOR NO KEY UPDATE",
          with: " FOR NO KEY UPDATE")
      ]),
    PlantedBug(
      "stock-checked-without-lock", "stock is checked on rows that are not locked, and the table does not check",
      foundBy: ["last-item", "inventory-chaos"],
      as: [.neverOversold, .stockWasShort, .changeHasItsEvent, .eventOfItsTransaction, .lockOrder],
      rewrites: [
        StatementRewrite(
          in: "transaction_time FROM inventory_items", replace: " FOR NO KEY UPDATE", with: "")
      ]
    ).with {
      $0.schemaChanges = ["ALTER TABLE inventory_items DROP CONSTRAINT inventory_items_reserved_check"]
    },
  ]

  // MARK: - Changes that belong together and are not made together

  private static let bookkeeping: [PlantedBug] = [
    PlantedBug(
      "two-transactions", "the item's row is committed before its reservation",
      foundBy: ["last-item", "inventory-chaos"], as: [.reservedIsPending]
    ).with { $0.splitsAfter = "SET reserved = i.reserved + c.units" },
    firstLineReturned,
    PlantedBug(
      "version-stands-still", "a release does not raise the item's version", as: [.versionRises],
      rewrites: [
        StatementRewrite(
          in: "SET reserved = i.reserved - l.quantity", replace: "version = i.version + 1", with: "version = i.version")
      ]),
    PlantedBug(
      "ledger-row-missing", "a confirmation writes one movement for all its lines", as: [.ledgerAddsUp],
      rewrites: [
        StatementRewrite(
          in: "INSERT INTO stock_movements (product_id, delta, reason, ref) SELECT product_id, -quantity",
          replace: " ORDER BY product_id", with: " ORDER BY product_id LIMIT 1")
      ]),
    PlantedBug(
      "commit-swallowed", "one commit in fifty is answered but does not happen", as: [.acknowledgedIsStored]
    ).with { $0.commits = .rollsBackOneIn(50) },
  ]

  static let firstLineReturned = PlantedBug(
    "first-line-returned", "a release returns the stock of the first line only", as: [.reservedIsPending],
    rewrites: [
      StatementRewrite(
        in: "SET reserved = i.reserved - l.quantity", replace: "l.reservation_id = $#",
        with: "l.reservation_id = $# AND l.product_id = (SELECT f.product_id FROM reservation_items AS f "
          + "WHERE f.reservation_id = $# ORDER BY f.product_id LIMIT 1)")
    ])

  // MARK: - Events that tell something else than what happened

  private static let events: [PlantedBug] = [
    outboxWithout("InventoryReleased", "outbox-row-skipped", "no event tells that a reservation was released"),
    outboxWithout("StockDepleted", "depletion-untold", "no event tells that a product is sold out"),
    outboxWithout("StockReplenished", "replenishment-untold", "no event tells that stock was added"),
    PlantedBug(
      "depletion-told-too-early", "an event calls a product sold out that was just replenished",
      as: [.eventOfItsTransaction],
      rewrites: [
        StatementRewrite(
          in: "INSERT INTO outbox", replace: "SELECT e.id, e.type,",
          with: "SELECT e.id, CASE WHEN e.type = 'StockReplenished' THEN 'StockDepleted' ELSE e.type END,")
      ]),
    PlantedBug(
      "sequence-stands-still", "every event is the first of its subject", as: [.sequenceRises],
      rewrites: [StatementRewrite(in: "INSERT INTO outbox", replace: "e.sequence, e.shard,", with: "1, e.shard,")]),
  ]

  private static func outboxWithout(_ type: String, _ name: String, _ summary: String) -> PlantedBug {
    let source = "AS e(id, type, subject, sequence, shard, correlation_id, data)"
    return PlantedBug(
      name, summary, as: [.changeHasItsEvent],
      rewrites: [
        StatementRewrite(in: "INSERT INTO outbox", replace: source, with: source + " WHERE e.type <> '\(type)'")
      ])
  }

  // MARK: - Requests that are not recognised when they come again

  private static let idempotency: [PlantedBug] = [
    orderNotLookedUp,
    PlantedBug(
      "idempotency-key-lost", "a proxy gives every attempt a key of its own", as: [.acknowledgedIsStored]
    ).with { $0.requests = .freshIdempotencyKeys },
    PlantedBug(
      "idempotency-key-not-claimed", "a replenishment does not look whether its key was used",
      as: [.replenishedOnce],
      rewrites: [
        StatementRewrite(
          in: "INSERT INTO idempotency_keys", replace: "ON CONFLICT (operation, key) DO NOTHING",
          with: "ON CONFLICT (operation, key) DO UPDATE SET status = 0")
      ]),
    PlantedBug(
      "order-id-lost", "a client library makes a new order id for a second attempt", as: [.acknowledgedIsStored]
    ).with { $0.requests = .freshOrderIds },
  ]

  static let orderNotLookedUp = PlantedBug(
    "order-not-looked-up", "an order that has a reservation gets another", as: [.oneReservation],
    rewrites: [
      StatementRewrite(
        in: "WHERE r.order_id = ANY(", after: "transaction_time FROM inventory_items", replace: " ORDER BY r.id",
        with: " AND r.id IS NULL ORDER BY r.id"),
      // The constraint that it names is gone.
      StatementRewrite(
        in: "ON CONFLICT (order_id) DO NOTHING", replace: "ON CONFLICT (order_id) DO NOTHING",
        with: "ON CONFLICT DO NOTHING"),
    ]
  ).with { $0.schemaChanges = ["ALTER TABLE reservations DROP CONSTRAINT reservations_order_id_key"] }
}
