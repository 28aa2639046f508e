import FoundationEssentials
import Seams
import ServiceKit

/// The statements on reservations and their lines.
enum ReservationSQL {
  static func reservation(_ id: UUID) -> SQLStatement {
    """
    SELECT r.id, r.order_id, r.status, r.expires_at, r.expires_at <= now() AS is_overdue, l.product_id, l.quantity
    FROM reservations AS r LEFT JOIN reservation_items AS l ON l.reservation_id = r.id
    WHERE r.id = \(id) ORDER BY l.product_id
    """
  }

  static func reservations(ofOrders orderIds: [UUID]) -> SQLStatement {
    """
    SELECT r.id, r.order_id, r.status, r.expires_at, r.expires_at <= now() AS is_overdue, l.product_id, l.quantity
    FROM reservations AS r LEFT JOIN reservation_items AS l ON l.reservation_id = r.id
    WHERE r.order_id = ANY(\(orderIds)::uuid[]) ORDER BY r.id, l.product_id
    """
  }

  static func reservations(_ ids: [UUID]) -> SQLStatement {
    """
    SELECT r.id, r.order_id, r.status, r.expires_at, r.expires_at <= now() AS is_overdue, l.product_id, l.quantity
    FROM reservations AS r LEFT JOIN reservation_items AS l ON l.reservation_id = r.id
    WHERE r.id = ANY(\(ids)::uuid[]) ORDER BY r.id, l.product_id
    """
  }

  /// Inserts pending reservations; by order id, since a unique key makes rivals wait for each other.
  static func insert(_ grants: [StockLedger.Grant]) -> SQLStatement {
    let sorted = grants.map(\.reservation).sorted { $0.orderId < $1.orderId }
    return """
      INSERT INTO reservations (id, order_id, status, expires_at)
      SELECT r.id, r.order_id, 'pending', r.expires_at
      FROM unnest(\(sorted.map(\.id))::uuid[], \(sorted.map(\.orderId))::uuid[], \
      \(sorted.map(\.expiresAt))::timestamptz[]) AS r(id, order_id, expires_at)
      """
  }

  static func insertLines(_ grants: [StockLedger.Grant]) -> SQLStatement {
    var reservations: [UUID] = []
    var products: [UUID] = []
    var quantities: [Int] = []
    for grant in grants {
      for line in grant.reservation.lines {
        reservations.append(grant.reservation.id)
        products.append(line.productId)
        quantities.append(line.quantity)
      }
    }
    return """
      INSERT INTO reservation_items (reservation_id, product_id, quantity)
      SELECT l.reservation_id, l.product_id, l.quantity
      FROM unnest(\(reservations)::uuid[], \(products)::uuid[], \(quantities)::int4[])
      AS l(reservation_id, product_id, quantity)
      """
  }

  /// `pending → confirmed`, in time only.
  static func confirm(_ id: UUID) -> SQLStatement {
    """
    UPDATE reservations SET status = 'confirmed', updated_at = now()
    WHERE id = \(id) AND status = 'pending' AND expires_at > now()
    """
  }

  /// `pending → released`.
  static func release(_ id: UUID) -> SQLStatement {
    "UPDATE reservations SET status = 'released', updated_at = now() WHERE id = \(id) AND status = 'pending'"
  }

  /// Stores the reservation of an order that has none as released, so that a reserve that arrives late finds it.
  static func insertReleased(_ id: UUID, orderId: UUID) -> SQLStatement {
    """
    INSERT INTO reservations (id, order_id, status, expires_at) VALUES (\(id), \(orderId), 'released', now())
    ON CONFLICT (order_id) DO NOTHING
    """
  }

  static func due(limit: Int) -> SQLStatement {
    """
    SELECT id FROM reservations WHERE status = 'pending' AND expires_at <= now()
    ORDER BY expires_at, id LIMIT \(limit)
    """
  }

  /// Takes those of `ids` that are due still. Their items are locked already, so nobody who changes stock holds one.
  static func takeDue(_ ids: [UUID]) -> SQLStatement {
    """
    SELECT id FROM reservations
    WHERE id = ANY(\(ids)::uuid[]) AND status = 'pending' AND expires_at <= now()
    ORDER BY id FOR UPDATE SKIP LOCKED
    """
  }

  /// `pending → expired`.
  static func expire(_ ids: [UUID]) -> SQLStatement {
    """
    UPDATE reservations SET status = 'expired', updated_at = now()
    WHERE id = ANY(\(ids)::uuid[]) AND status = 'pending'
    """
  }

  static let pendingCount: SQLStatement = "SELECT count(*) AS pending FROM reservations WHERE status = 'pending'"
}

extension Reservation {
  /// From rows with one line each, the rows of one reservation next to each other.
  static func list(rows: [SQLRow]) throws -> [Reservation] {
    var reservations: [Reservation] = []
    for row in rows {
      let id: UUID = try row.decode("id")
      if reservations.last?.id != id {
        let text: String = try row.decode("status")
        guard let status = ReservationStatus(rawValue: text) else {
          throw InvalidRow(column: "status", value: text)
        }
        reservations.append(
          Reservation(
            id: id, orderId: try row.decode("order_id"), status: status, expiresAt: try row.decode("expires_at"),
            lines: [], isOverdue: try row.decode("is_overdue")))
      }
      guard let productId: UUID = try row.decodeIfPresent("product_id") else { continue }
      let quantity: Int = try row.decode("quantity")
      guard let line = ReservationLine(productId: productId, quantity: quantity) else {
        throw InvalidRow(column: "quantity", value: String(quantity))
      }
      reservations[reservations.count - 1].lines.append(line)
    }
    return reservations
  }
}
