import FoundationEssentials
import NIOCore
import Seams
import ServiceKit

/// The statements that make orders.
enum CreateSQL {
  /// The first key of the advisory locks on idempotency keys, apart from those of anything else.
  private static let lockClass = 0x0D0C

  /// Tries the lock of each request's key: another instance may be at work on the same key. In the order of the requests.
  static func lockFree(_ requests: [NewOrder]) -> SQLStatement {
    """
    SELECT k.place, pg_try_advisory_xact_lock(\(lockClass), k.lock) AS is_free
    FROM unnest(\(Array(requests.indices))::int4[], \(requests.map(lock))::int4[]) AS k(place, lock)
    """
  }

  /// Keys with the same number wait for each other without need, and nothing else.
  private static func lock(_ request: NewOrder) -> Int {
    let digest = RequestHash.sha256(ByteBuffer(string: "\(request.userId)\n\(request.key)"))
    let number = digest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return Int(Int32(bitPattern: number))
  }

  /// The orders that these users and keys stand for.
  ///
  /// By pairs: with one list of users and one of keys, PostgreSQL reads every key that these users have had.
  static func known(_ requests: [NewOrder]) -> SQLStatement {
    """
    SELECT k.user_id, k.key, k.request_hash, k.order_id, o.total, o.currency
    FROM unnest(\(requests.map(\.userId))::text[], \(requests.map(\.key))::text[]) AS r(user_id, key)
    JOIN idempotency_keys AS k ON k.user_id = r.user_id AND k.key = r.key JOIN orders AS o ON o.id = k.order_id
    """
  }

  /// Inserts orders whose sagas belong to `owner` for `lease`.
  static func insert(_ orders: [OrderBatch.Made], owner: UUID, lease: Duration) -> SQLStatement {
    """
    INSERT INTO orders (id, user_id, total, currency, payment_token, correlation_id, lease_owner, lease_until)
    SELECT o.id, o.user_id, o.total, o.currency, o.payment_token, o.correlation_id, \(owner)::uuid,
      now() + \(lease.inMilliseconds)::int8 * interval '1 millisecond'
    FROM unnest(\(orders.map(\.request.id))::uuid[], \(orders.map(\.request.userId))::text[], \
    \(orders.map(\.total.amount))::int8[], \(orders.map(\.total.currency))::text[], \
    \(orders.map(\.request.paymentToken))::text[], \(orders.map(\.request.correlationId))::uuid[])
    AS o(id, user_id, total, currency, payment_token, correlation_id)
    """
  }

  static func insertItems(_ orders: [OrderBatch.Made]) -> SQLStatement {
    let items = orders.flatMap { order in order.items.map { (order.request.id, $0) } }
    return """
      INSERT INTO order_items (order_id, product_id, quantity, unit_price)
      SELECT i.order_id, i.product_id, i.quantity, i.unit_price
      FROM unnest(\(items.map(\.0))::uuid[], \(items.map(\.1.productId))::uuid[], \
      \(items.map(\.1.quantity))::int4[], \(items.map(\.1.unitPrice))::int8[])
      AS i(order_id, product_id, quantity, unit_price)
      """
  }

  static func insertKeys(_ orders: [OrderBatch.Made]) -> SQLStatement {
    """
    INSERT INTO idempotency_keys (user_id, key, request_hash, order_id)
    SELECT k.user_id, k.key, k.request_hash, k.order_id
    FROM unnest(\(orders.map(\.request.userId))::text[], \(orders.map(\.request.key))::text[], \
    \(SQLValue.array(orders.map { .bytes($0.hash) }))::bytea[], \(orders.map(\.request.id))::uuid[])
    AS k(user_id, key, request_hash, order_id)
    """
  }

  /// The states that orders entered.
  static func insertHistory(_ entries: [(orderId: UUID, status: OrderStatus)]) -> SQLStatement {
    """
    INSERT INTO order_history (order_id, status)
    SELECT h.order_id, h.status
    FROM unnest(\(entries.map(\.orderId))::uuid[], \(entries.map(\.status.rawValue))::text[]) AS h(order_id, status)
    """
  }
}

extension Duration {
  /// Whole milliseconds.
  var inMilliseconds: Int { Int(self / .milliseconds(1)) }
}
