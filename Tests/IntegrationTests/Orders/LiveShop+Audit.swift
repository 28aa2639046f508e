import Checkers
import FoundationEssentials
import HTTPLive
import Payments
import Seams
import SeamsLive
import ServiceKit
import Testing

/// What is left when everything has come to rest, judged by what judges the simulated checkout.
extension LiveShop {
  /// Waits until nothing is under way and nothing is wrong any more; fails with what is wrong if that does not come.
  func audit() async throws {
    let deadline = stock.clock.now.advanced(by: .seconds(40))
    var wrong = try await openEnds()
    while !wrong.isEmpty, stock.clock.now < deadline {
      try await stock.clock.sleep(for: .milliseconds(50))
      wrong = try await openEnds()
    }
    if wrong.isEmpty { wrong = try await violations() }
    #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    for product in products {
      let read = try await LiveClient(transport: transport, authority: inventoryServers[0].authority)
        .perform(.readItem(productId: product))
      let row: SQLStatement = "SELECT quantity FROM inventory_items WHERE product_id = \(product)"
      #expect(try await read.json["quantity"]?.integer == stock.count(row), "\(read.json), cache: \(read.cache)")
    }
  }

  /// What is not over yet.
  private func openEnds() async throws -> [String] {
    let unpublished: SQLStatement = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
    let counts = [
      ("sagas that are not done", try await orders.count("SELECT count(*) FROM orders WHERE saga_state <> 'done'")),
      ("events of orders that are not published", try await orders.count(unpublished)),
      ("events of the inventory that are not published", try await stock.count(unpublished)),
      (
        "customers who are not told",
        try await orders.count("SELECT count(*) FROM notifications WHERE delivered_at IS NULL")
      ),
      ("requests under way at the inventory", faults.reduce(0) { $0 + $1.underWay }),
      ("messages in the queues of orders", try await log.waiting().reduce(0) { $0 + $1.count }),
      (
        "events that are being handled",
        try await orders.count("SELECT count(*) FROM inbox WHERE processed_at IS NULL AND dead_at IS NULL")
      ),
    ]
    let open = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
    guard open.isEmpty else { return open }
    let received = try await Set(orders.rows("SELECT event_id FROM inbox").map { try $0.decode("event_id") as UUID })
    let missing = try await stockEvents().filter { !received.contains($0.id) }
    return missing.isEmpty ? [] : ["\(missing.count) events of the inventory that orders have not received"]
  }

  /// What the checkers find broken.
  private func violations() async throws -> [String] {
    let (stocked, ordered) = (try await stockTables(), try await orderTables())
    let published = try await log.events().map {
      PublishedEvent(id: $0.id, type: $0.type, subject: $0.subject ?? "", sequence: $0.sequence ?? 0)
    }
    var paid: [UUID: [(status: String, amount: Int)]] = [:]
    for order in ordered.orders.compactMap(\.new) {
      let context = CallContext(deadline: LiveDatabase.soon(), correlationId: order.id)
      paid[order.id] = try await payments.payments(orderId: order.id, context: context).map {
        ($0.status.rawValue, $0.amount)
      }
    }
    let waiting = try await log.waiting()
    let shadow = OrdersShadow()
    shadow.apply(ordered)
    let inventory = InventoryShadow()
    inventory.apply(stocked)
    var around = OrderSurroundings(stock: inventory) { [paid] in paid[$0] ?? [] }
    around.stockEvents = stocked.outbox
    around.published = published
    around.told = notifications.told
    around.foreign = log.foreign
    around.waiting = waiting
    around.handledTypes = Set(stocked.outbox.map(\.type))
    // The tables as the commit of everything at once: checkers that compare a change with what was before it find nothing
    // to judge in it, but for these two.
    let found =
      StoreCheckers.all.map { $0.judgeAtRest(inventory) }
      + OrderCheckers.all.map { $0.judgeAtRest(shadow, around) }
      + [
        OrdersTellTheirEnd().judge(ordered, in: shadow, around),
        DeliveriesTakeEffectOnce().judge(ordered, in: shadow, around),
      ]
    return found.compactMap(\.self).map { "\($0.invariant.rawValue): \($0.evidence.joined(separator: "; "))" }
  }

  private func stockEvents() async throws -> [OutboxRow] { try await Self.outbox(of: stock) }

  private static func outbox(of database: LiveDatabase) async throws -> [OutboxRow] {
    try await database.rows("SELECT id, type, subject, sequence FROM outbox ORDER BY position").map {
      OutboxRow(
        id: try $0.decode("id"), type: try $0.decode("type"), subject: try $0.decode("subject"),
        sequence: try $0.decode("sequence"))
    }
  }

  private func stockTables() async throws -> StoreCommit {
    var commit = StoreCommit(time: stock.clock.now)
    commit.items = try await stock.rows("SELECT product_id, quantity, reserved, version FROM inventory_items").map {
      RowPair(
        old: nil,
        new: ItemRow(
          productId: try $0.decode("product_id"), quantity: try $0.decode("quantity"),
          reserved: try $0.decode("reserved"), version: try $0.decode("version")))
    }
    commit.reservations = try await stock.rows(
      "SELECT id, order_id, status, expires_at, updated_at FROM reservations"
    ).map {
      RowPair(
        old: nil,
        new: ReservationRow(
          id: try $0.decode("id"), orderId: try $0.decode("order_id"), status: try $0.decode("status"),
          expiresAt: try $0.decode("expires_at"), updatedAt: try $0.decode("updated_at")))
    }
    commit.lines = try await stock.rows("SELECT reservation_id, product_id, quantity FROM reservation_items").map {
      RowPair(
        old: nil,
        new: LineRow(
          reservationId: try $0.decode("reservation_id"), productId: try $0.decode("product_id"),
          quantity: try $0.decode("quantity")))
    }
    commit.movements = try await stock.rows("SELECT product_id, delta, reason, ref FROM stock_movements").map {
      RowPair(
        old: nil,
        new: MovementRow(
          productId: try $0.decode("product_id"), delta: try $0.decode("delta"), reason: try $0.decode("reason"),
          ref: try $0.decode("ref")))
    }
    commit.outbox = try await stockEvents()
    return commit
  }

  private func orderTables() async throws -> OrdersCommit {
    var commit = OrdersCommit(time: orders.clock.now)
    commit.orders = try await orders.rows(
      """
      SELECT id, status, saga_state, saga_step, failure_code, payment_token, stop_reason, total
      FROM orders ORDER BY created_at
      """
    ).map {
      RowPair(
        old: nil,
        new: OrderRow(
          id: try $0.decode("id"), status: try $0.decode("status"), sagaState: try $0.decode("saga_state"),
          sagaStep: try $0.decode("saga_step"), failureCode: try $0.decodeIfPresent("failure_code"),
          paymentToken: try $0.decode("payment_token"), stopReason: try $0.decodeIfPresent("stop_reason"),
          total: try $0.decode("total")))
    }
    commit.items = try await orders.rows("SELECT order_id, product_id, quantity, unit_price FROM order_items").map {
      OrderItemRow(
        orderId: try $0.decode("order_id"), productId: try $0.decode("product_id"),
        quantity: try $0.decode("quantity"), unitPrice: try $0.decode("unit_price"))
    }
    commit.notifications = try await orders.rows("SELECT id, order_id, type FROM notifications").map {
      NotificationRow(id: try $0.decode("id"), orderId: try $0.decode("order_id"), type: try $0.decode("type"))
    }
    commit.outbox = try await Self.outbox(of: orders)
    commit.inbox = try await orders.rows("SELECT event_id, attempts, processed_at, dead_at FROM inbox").map {
      RowPair(
        old: nil,
        new: InboxRow(
          eventId: try $0.decode("event_id"), attempts: try $0.decode("attempts"),
          processedAt: try $0.decodeIfPresent("processed_at"), deadAt: try $0.decodeIfPresent("dead_at")))
    }
    commit.deadLetters = try await orders.rows("SELECT id, event_id, reason, resolution FROM dead_letters").map {
      RowPair(
        old: nil,
        new: DeadLetterRow(
          id: try $0.decode("id"), eventId: try $0.decodeIfPresent("event_id"), reason: try $0.decode("reason"),
          resolution: try $0.decodeIfPresent("resolution")))
    }
    return commit
  }
}
