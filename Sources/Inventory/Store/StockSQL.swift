import FoundationEssentials
import Seams

/// The statements on item rows and their ledger.
enum StockSQL {
  static func item(_ productId: UUID) -> SQLStatement {
    "SELECT product_id, quantity, reserved, version FROM inventory_items WHERE product_id = \(productId)"
  }

  static func items(_ productIds: [UUID]) -> SQLStatement {
    """
    SELECT product_id, quantity, reserved, version FROM inventory_items
    WHERE product_id = ANY(\(productIds)::uuid[]) ORDER BY product_id
    """
  }

  /// Locks in the order of product ids. The transaction's time comes along, since it is the reservations' time too.
  static func lockItems(_ productIds: [UUID]) -> SQLStatement {
    """
    SELECT product_id, quantity, reserved, version, now() AS transaction_time FROM inventory_items
    WHERE product_id = ANY(\(productIds)::uuid[]) ORDER BY product_id FOR NO KEY UPDATE
    """
  }

  /// The same for those that nobody holds, without waiting for the others.
  static func lockFreeItems(_ productIds: [UUID]) -> SQLStatement {
    """
    SELECT product_id, quantity, reserved, version, now() AS transaction_time FROM inventory_items
    WHERE product_id = ANY(\(productIds)::uuid[]) ORDER BY product_id FOR NO KEY UPDATE SKIP LOCKED
    """
  }

  static func lockItem(_ productId: UUID) -> SQLStatement {
    """
    SELECT product_id, quantity, reserved, version FROM inventory_items
    WHERE product_id = \(productId) FOR NO KEY UPDATE
    """
  }

  static func lockItems(ofReservation id: UUID) -> SQLStatement {
    """
    SELECT product_id FROM inventory_items
    WHERE product_id IN (SELECT product_id FROM reservation_items WHERE reservation_id = \(id))
    ORDER BY product_id FOR NO KEY UPDATE
    """
  }

  static func lockItems(ofReservations ids: [UUID]) -> SQLStatement {
    """
    SELECT product_id FROM inventory_items
    WHERE product_id IN (SELECT product_id FROM reservation_items WHERE reservation_id = ANY(\(ids)::uuid[]))
    ORDER BY product_id FOR NO KEY UPDATE
    """
  }

  /// Adds `units[i]` to what is reserved of `productIds[i]`. Each product at most once; the rows are locked already.
  static func addReserved(productIds: [UUID], units: [Int], changes: [Int]) -> SQLStatement {
    """
    UPDATE inventory_items AS i
    SET reserved = i.reserved + c.units, version = i.version + c.changes, updated_at = now()
    FROM unnest(\(productIds)::uuid[], \(units)::int4[], \(changes)::int4[]) AS c(product_id, units, changes)
    WHERE i.product_id = c.product_id
    """
  }

  /// Lets the stock of a confirmed reservation leave. Its rows are locked already.
  static func removeConfirmed(reservation id: UUID) -> SQLStatement {
    """
    UPDATE inventory_items AS i
    SET quantity = i.quantity - l.quantity, reserved = i.reserved - l.quantity, version = i.version + 1,
      updated_at = now()
    FROM reservation_items AS l WHERE l.reservation_id = \(id) AND i.product_id = l.product_id
    """
  }

  static func returnReserved(reservation id: UUID) -> SQLStatement {
    """
    UPDATE inventory_items AS i
    SET reserved = i.reserved - l.quantity, version = i.version + 1, updated_at = now()
    FROM reservation_items AS l WHERE l.reservation_id = \(id) AND i.product_id = l.product_id
    """
  }

  static func insertConfirmedMovements(reservation id: UUID) -> SQLStatement {
    """
    INSERT INTO stock_movements (product_id, delta, reason, ref)
    SELECT product_id, -quantity, 'confirmed', reservation_id::text FROM reservation_items
    WHERE reservation_id = \(id) ORDER BY product_id
    """
  }

  /// The optimistic update: it happens only to the version that its caller read.
  static func updateQuantity(_ productId: UUID, quantity: Int, version: Int) -> SQLStatement {
    """
    UPDATE inventory_items SET quantity = \(quantity), version = version + 1, updated_at = now()
    WHERE product_id = \(productId) AND version = \(version) AND reserved <= \(quantity)
    RETURNING product_id, quantity, reserved, version
    """
  }

  static func insertItem(_ productId: UUID, quantity: Int) -> SQLStatement {
    """
    INSERT INTO inventory_items (product_id, quantity) VALUES (\(productId), \(quantity))
    ON CONFLICT (product_id) DO NOTHING RETURNING product_id, quantity, reserved, version
    """
  }

  static func insertItems(productIds: [UUID], quantities: [Int]) -> SQLStatement {
    """
    INSERT INTO inventory_items (product_id, quantity)
    SELECT s.product_id, s.quantity FROM unnest(\(productIds)::uuid[], \(quantities)::int4[]) AS s(product_id, quantity)
    ON CONFLICT (product_id) DO NOTHING RETURNING product_id, quantity
    """
  }

  /// Adds stock, unless the sum would exceed `limit`.
  static func addQuantity(_ productId: UUID, quantity: Int, limit: Int) -> SQLStatement {
    """
    UPDATE inventory_items SET quantity = quantity + \(quantity), version = version + 1, updated_at = now()
    WHERE product_id = \(productId) AND quantity <= \(limit - quantity)
    RETURNING product_id, quantity, reserved, version
    """
  }

  static func insertMovement(_ productId: UUID, delta: Int, reason: StockMovementReason, ref: String) -> SQLStatement {
    """
    INSERT INTO stock_movements (product_id, delta, reason, ref)
    VALUES (\(productId), \(delta), \(reason.rawValue), \(ref))
    """
  }

  static func insertMovements(productIds: [UUID], deltas: [Int], reason: StockMovementReason, ref: String)
    -> SQLStatement
  {
    """
    INSERT INTO stock_movements (product_id, delta, reason, ref)
    SELECT m.product_id, m.delta, \(reason.rawValue)::text, \(ref)::text
    FROM unnest(\(productIds)::uuid[], \(deltas)::int4[]) AS m(product_id, delta)
    """
  }

  /// Finds the movement that an operation made, if it did.
  static func movement(_ productId: UUID, ref: String) -> SQLStatement {
    "SELECT delta FROM stock_movements WHERE product_id = \(productId) AND ref = \(ref)"
  }

  static func lowStock(threshold: Int, limit: Int) -> SQLStatement {
    """
    SELECT product_id, quantity, reserved, version FROM inventory_items
    WHERE quantity - reserved <= \(threshold) ORDER BY quantity - reserved, product_id LIMIT \(limit)
    """
  }

  static func mostReserved(limit: Int) -> SQLStatement {
    """
    SELECT product_id, quantity, reserved, version FROM inventory_items
    WHERE reserved > 0 ORDER BY reserved DESC, product_id LIMIT \(limit)
    """
  }

  static let totals: SQLStatement = """
    SELECT count(*) AS products, coalesce(sum(quantity), 0) AS quantity, coalesce(sum(reserved), 0) AS reserved,
      count(*) FILTER (WHERE quantity = reserved) AS sold_out
    FROM inventory_items
    """
}

/// Why a product's quantity changed.
enum StockMovementReason: String {
  case initial, adjusted, replenished, confirmed
}

extension StockItem {
  /// From a row with the columns product_id, quantity, reserved and version.
  init(row: SQLRow) throws {
    self.init(
      productId: try row.decode("product_id"), quantity: try row.decode("quantity"),
      reserved: try row.decode("reserved"), version: try row.decode("version"))
  }
}
