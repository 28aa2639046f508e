package import FoundationEssentials
package import Seams

/// Something that happened, as it goes into the outbox in the transaction that makes it: the attributes and data of a
/// CloudEvent (CONTRACT, "Events").
package protocol OutboxEvent {
  /// CloudEvents `id`.
  var id: UUID { get }
  /// CloudEvents `type`.
  var type: String { get }
  /// CloudEvents `subject`.
  var subject: UUID { get }
  /// CloudEvents `sequence`: rises for each subject.
  var sequence: Int { get }
  /// CloudEvents `correlationid`.
  var correlationId: UUID { get }
  /// CloudEvents `data`, as JSON.
  var data: String { get }
}

extension OutboxSQL {
  /// Inserts events in their order.
  package static func insert(_ events: [some OutboxEvent]) -> SQLStatement {
    """
    INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
    SELECT e.id, e.type, e.subject::text, e.sequence, e.shard, now(), e.correlation_id, e.data::json
    FROM unnest(\(events.map { $0.id })::uuid[], \(events.map { $0.type })::text[], \
    \(events.map { $0.subject })::uuid[], \(events.map { $0.sequence })::int8[], \
    \(events.map { OutboxShard.of($0.subject) })::int2[], \(events.map { $0.correlationId })::uuid[], \
    \(events.map { $0.data })::text[]) AS e(id, type, subject, sequence, shard, correlation_id, data)
    """
  }
}
