import FoundationEssentials
import InventoryAPI
import Seams
import ServiceKit

/// The statements that drive sagas.
enum SagaSQL {
  /// The sagas that anybody may take, the longest waiting first.
  static func free(limit: Int) -> SQLStatement {
    """
    SELECT id FROM orders WHERE lease_until <= now() ORDER BY lease_until LIMIT \(limit)
    FOR NO KEY UPDATE SKIP LOCKED
    """
  }

  /// Whether anybody may take a saga.
  static let anyFree: SQLStatement = "SELECT EXISTS (SELECT 1 FROM orders WHERE lease_until <= now()) AS is_free"

  /// Takes sagas, whose rows are locked.
  static func claim(_ ids: [UUID], owner: UUID, lease: Duration) -> SQLStatement {
    """
    UPDATE orders SET lease_owner = \(owner), lease_number = lease_number + 1,
      lease_until = now() + \(lease.inMilliseconds)::int8 * interval '1 millisecond'
    WHERE id = ANY(\(ids)::uuid[])
    """
  }

  /// Leaves the sagas of an owner to anybody.
  static func letGo(_ owner: UUID) -> SQLStatement {
    "UPDATE orders SET lease_until = now() WHERE lease_owner = \(owner) AND lease_until > now()"
  }

  /// Sagas as they stand.
  ///
  /// - Parameter limit: how long a saga may go forward.
  static func sagas(_ ids: [UUID], limit: Duration) -> SQLStatement {
    """
    SELECT o.id, o.user_id, o.status, o.total, o.currency, o.payment_token, o.failure_code, o.failure_detail,
      o.correlation_id, o.reservation_id, o.payment_id, o.saga_state, o.saga_step, o.saga_version, o.saga_ending,
      o.saga_refusals, o.lease_number, s.attempts,
      o.created_at + \(limit.inMilliseconds)::int8 * interval '1 millisecond' <= now() AS is_overdue
    FROM orders AS o LEFT JOIN saga_steps AS s ON s.order_id = o.id AND s.step = o.saga_step
    WHERE o.id = ANY(\(ids)::uuid[])
    """
  }

  static func lines(_ ids: [UUID]) -> SQLStatement {
    """
    SELECT order_id, product_id, quantity FROM order_items WHERE order_id = ANY(\(ids)::uuid[])
    ORDER BY order_id, product_id
    """
  }

  /// Locks the sagas that a batch of records is about, as far as nobody else has them at the moment.
  static func lock(_ ids: [UUID], limit: Duration) -> SQLStatement {
    """
    SELECT id, lease_number, saga_version, stop_reason,
      created_at + \(limit.inMilliseconds)::int8 * interval '1 millisecond' <= now() AS is_overdue
    FROM orders WHERE id = ANY(\(ids)::uuid[]) FOR NO KEY UPDATE SKIP LOCKED
    """
  }

  /// Writes sagas as they stand after a step.
  ///
  /// A lease that lasts for the next step and its record stays as it is: then no indexed column changes, and the row's new
  /// version stays on its page (HOT update).
  ///
  /// - Parameter pauses: how long each rests, in milliseconds; 0: it goes on.
  static func store(_ sagas: [Saga], pauses: [Int], owner: UUID, times: SagaTimes) -> SQLStatement {
    let isOver = sagas.map { $0.state == .done || $0.state == .stuck }
    return """
      UPDATE orders AS o
      SET status = c.status, saga_state = c.state, saga_step = c.step, saga_version = c.version,
        saga_ending = c.ending, failure_code = c.code, failure_detail = c.detail, reservation_id = c.reservation_id,
        payment_id = c.payment_id, saga_refusals = c.refusals, updated_at = now(),
        lease_owner = CASE WHEN c.is_over OR c.pause > 0 THEN NULL ELSE \(owner)::uuid END,
        lease_until = CASE WHEN c.is_over THEN NULL WHEN c.pause > 0 THEN now() + c.pause * interval '1 millisecond'
          WHEN o.lease_until > now() + \((times.step + .seconds(10)).inMilliseconds)::int8 * interval '1 millisecond'
          THEN o.lease_until ELSE now() + \(times.lease.inMilliseconds)::int8 * interval '1 millisecond' END
      FROM unnest(\(sagas.map(\.orderId))::uuid[], \(sagas.map(\.status.rawValue))::text[], \
      \(sagas.map(\.state.rawValue))::text[], \(sagas.map(\.step.rawValue))::text[], \(sagas.map(\.version))::int8[], \
      \(optional(sagas.map { $0.ending?.rawValue }))::text[], \(optional(sagas.map { $0.failure?.code }))::text[], \
      \(optional(sagas.map { $0.failure?.detail }))::text[], \(optional(sagas.map(\.reservationId)))::uuid[], \
      \(optional(sagas.map(\.paymentId)))::uuid[], \(sagas.map(\.refusals))::int2[], \(isOver)::bool[], \
      \(pauses)::int8[])
      AS c(id, status, state, step, version, ending, code, detail, reservation_id, payment_id, refusals, is_over, pause)
      WHERE o.id = c.id
      """
  }

  /// Notes that steps are begun: before their first call, and before each further one.
  static func beginSteps(_ steps: [(orderId: UUID, step: SagaStep)]) -> SQLStatement {
    """
    INSERT INTO saga_steps (order_id, step)
    SELECT s.order_id, s.step
    FROM unnest(\(steps.map(\.orderId))::uuid[], \(steps.map(\.step.rawValue))::text[]) AS s(order_id, step)
    ON CONFLICT (order_id, step) DO UPDATE
    SET status = 'started', attempts = saga_steps.attempts + 1, error = NULL, ended_at = NULL
    """
  }

  /// Notes how steps ended.
  static func endSteps(_ steps: [StepEnd]) -> SQLStatement {
    """
    UPDATE saga_steps AS s SET status = e.status, error = e.error, ended_at = now()
    FROM unnest(\(steps.map(\.orderId))::uuid[], \(steps.map(\.step.rawValue))::text[], \
    \(steps.map(\.status))::text[], \(optional(steps.map(\.error)))::text[]) AS e(order_id, step, status, error)
    WHERE s.order_id = e.order_id AND s.step = e.step
    """
  }

  /// How a step ended.
  struct StepEnd {
    var orderId: UUID
    var step: SagaStep
    var status: String
    var error: String?
  }

  /// What customers are to be told of their orders' ends.
  static func notify(_ sagas: [(id: UUID, saga: Saga)]) -> SQLStatement {
    """
    INSERT INTO notifications (id, order_id, user_id, type, data)
    SELECT n.id, n.order_id, n.user_id, n.type, n.data::json
    FROM unnest(\(sagas.map(\.id))::uuid[], \(sagas.map(\.saga.orderId))::uuid[], \
    \(sagas.map(\.saga.userId))::text[], \(sagas.map { "order_" + $0.saga.status.rawValue.lowercased() })::text[], \
    \(sagas.map { $0.saga.told })::text[]) AS n(id, order_id, user_id, type, data)
    """
  }

  private static func optional<Value: SQLEncodable>(_ values: [Value?]) -> SQLValue {
    .array(values.map { $0?.sqlValue ?? .null })
  }
}

extension Saga {
  /// What the customer and the world are told of its end: the data of its last event.
  var told: String {
    OrderEvent.data(
      orderId: orderId, userId: userId, total: total, failure: status == .failed ? failure : nil)
  }

  /// From a row of ``SagaSQL/sagas(_:limit:)``.
  init(row: SQLRow, lines: [InventoryLine]) throws {
    orderId = try row.decode("id")
    userId = try row.decode("user_id")
    self.lines = lines
    total = try Money(row: row, amount: "total")
    paymentToken = try row.decode("payment_token")
    correlationId = try row.decode("correlation_id")
    status = try OrderStatus(column: row.decode("status"))
    state = try SagaState(column: row.decode("saga_state"), named: "saga_state")
    step = try SagaStep(column: row.decode("saga_step"), named: "saga_step")
    version = try row.decode("saga_version")
    ending = try row.decodeIfPresent("saga_ending", as: String.self).map { try OrderStatus(column: $0) }
    if let code = try row.decodeIfPresent("failure_code", as: String.self) {
      failure = OrderFailure(code: code, detail: try row.decodeIfPresent("failure_detail") ?? "")
    }
    reservationId = try row.decodeIfPresent("reservation_id")
    paymentId = try row.decodeIfPresent("payment_id")
    refusals = try row.decode("saga_refusals")
    let begun: Int? = try row.decodeIfPresent("attempts")
    (attempts, isBegun) = (begun ?? 1, begun != nil)
    lease = try row.decode("lease_number")
    isOverdue = try row.decode("is_overdue")
  }
}
