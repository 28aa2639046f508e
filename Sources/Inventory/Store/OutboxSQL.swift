import FoundationEssentials
import Seams
import ServiceKit

/// The statement that tells of a change in the transaction that makes it.
enum OutboxSQL {
  /// Inserts events in their order.
  static func insert(_ events: [InventoryEvent]) -> SQLStatement {
    """
    INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
    SELECT e.id, e.type, e.subject::text, e.sequence, e.shard, now(), e.correlation_id, e.data::json
    FROM unnest(\(events.map(\.id))::uuid[], \(events.map(\.kind.rawValue))::text[], \
    \(events.map(\.subject))::uuid[], \(events.map(\.sequence))::int8[], \
    \(events.map { OutboxShard.of($0.subject) })::int2[], \(events.map(\.correlationId))::uuid[], \
    \(events.map(\.data))::text[]) AS e(id, type, subject, sequence, shard, correlation_id, data)
    """
  }
}
