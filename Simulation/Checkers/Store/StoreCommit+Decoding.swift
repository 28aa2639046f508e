public import Seams
public import SimulatedPostgres

extension StoreCommit {
  /// What a commit of the simulated database changed in the inventory's tables; other tables are left out.
  ///
  /// - Precondition: the tables have the columns of CONTRACT, "Tables".
  public init(_ record: CommitRecord, time: MonotonicInstant) {
    self.init(time: time)
    for change in record.changes {
      switch change.table {
      case "inventory_items": items.append(change.pair(ItemRow.init))
      case "reservations": reservations.append(change.pair(ReservationRow.init))
      case "reservation_items": lines.append(change.pair(LineRow.init))
      case "stock_movements": movements.append(change.pair(MovementRow.init))
      case "outbox":
        if let row = change.added(OutboxRow.init) { outbox.append(row) }
      default: break
      }
    }
  }
}

extension ItemRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      productId: row.read("product_id"), quantity: row.read("quantity"), reserved: row.read("reserved"),
      version: row.read("version"))
  }
}

extension ReservationRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      id: row.read("id"), orderId: row.read("order_id"), status: row.read("status"), expiresAt: row.read("expires_at"),
      updatedAt: row.read("updated_at"))
  }
}

extension LineRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      reservationId: row.read("reservation_id"), productId: row.read("product_id"), quantity: row.read("quantity"))
  }
}

extension MovementRow {
  fileprivate init(_ row: ColumnReader) {
    self.init(
      productId: row.read("product_id"), delta: row.read("delta"), reason: row.read("reason"), ref: row.read("ref"))
  }
}

extension OutboxRow {
  init(_ row: ColumnReader) {
    self.init(
      id: row.read("id"), type: row.read("type"), subject: row.read("subject"), sequence: row.read("sequence"))
  }
}
