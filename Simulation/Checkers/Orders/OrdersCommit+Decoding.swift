public import Seams
public import SimulatedPostgres

extension OrdersCommit {
  /// What a commit of the simulated database changed in the orders' tables; other tables are left out.
  ///
  /// - Precondition: the tables have the columns of CONTRACT, "Tables".
  public init(_ record: CommitRecord, time: MonotonicInstant) {
    self.init(time: time)
    for change in record.changes {
      switch change.table {
      case "orders": orders.append(change.pair(OrderRow.init))
      case "order_items": if let row = change.added(OrderItemRow.init) { items.append(row) }
      case "order_history": if let row = change.added(OrderHistoryRow.init) { history.append(row) }
      case "notifications": if let row = change.added(NotificationRow.init) { notifications.append(row) }
      case "outbox": if let row = change.added(OutboxRow.init) { outbox.append(row) }
      case "inbox": inbox.append(change.pair(InboxRow.init))
      case "dead_letters": deadLetters.append(change.pair(DeadLetterRow.init))
      default: break
      }
    }
  }
}

extension OrderRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      id: row.read("id"), status: row.read("status"), sagaState: row.read("saga_state"),
      sagaStep: row.read("saga_step"),
      failureCode: row.readIfPresent("failure_code"), paymentToken: row.read("payment_token"),
      stopReason: row.readIfPresent("stop_reason"), total: row.read("total"), leaseNumber: row.read("lease_number"),
      leaseUntil: row.readIfPresent("lease_until"))
  }
}

extension OrderItemRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      orderId: row.read("order_id"), productId: row.read("product_id"), quantity: row.read("quantity"),
      unitPrice: row.read("unit_price"))
  }
}

extension OrderHistoryRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(orderId: row.read("order_id"), status: row.read("status"))
  }
}

extension NotificationRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(id: row.read("id"), orderId: row.read("order_id"), type: row.read("type"))
  }
}

extension InboxRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      eventId: row.read("event_id"), attempts: row.read("attempts"), processedAt: row.readIfPresent("processed_at"),
      deadAt: row.readIfPresent("dead_at"))
  }
}

extension DeadLetterRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      id: row.read("id"), eventId: row.readIfPresent("event_id"), reason: row.read("reason"),
      resolution: row.readIfPresent("resolution"))
  }
}
