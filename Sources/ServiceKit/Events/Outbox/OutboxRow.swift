internal import FoundationEssentials
internal import Seams

/// An event that waits in the outbox.
struct OutboxRow: Sendable, Hashable {
  /// The order of writing; that of a subject's events is the order in which they were committed.
  var position: Int
  var id: UUID
  var type: String
  var subject: String
  var sequence: Int
  var time: Timestamp
  var correlationId: UUID
  var traceparent: String?
  /// `nil` when it is larger than what was asked for.
  var data: String?
  /// The bytes of the data.
  var size: Int

  /// From a row of ``OutboxSQL/pending(shard:limit:maximumSize:)``.
  init(row: SQLRow) throws {
    position = try row.decode("position")
    id = try row.decode("id")
    type = try row.decode("type")
    subject = try row.decode("subject")
    sequence = try row.decode("sequence")
    time = try row.decode("time")
    correlationId = try row.decode("correlation_id")
    traceparent = try row.decodeIfPresent("traceparent")
    data = try row.decodeIfPresent("data")
    size = try row.decode("size")
  }

  /// The message to publish.
  ///
  /// - Throws: ``MalformedEvent`` when there can be none: no route, too large, no JSON.
  func publication(_ routes: EventRoutes, maximumSize: Int) throws(MalformedEvent) -> BrokerPublication {
    guard let data else { throw MalformedEvent("its data has \(size) bytes, more than \(maximumSize)") }
    guard let key = routes.routingKeys[type] else { throw MalformedEvent("there is no route for the type \"\(type)\"") }
    let json: JSONValue
    do {
      json = try StrictJSON.parse(data)
    } catch {
      throw MalformedEvent("its data is malformed: \(error.detail)")
    }
    let event = CloudEvent(
      id: id, source: routes.source, type: type, subject: subject, time: time, sequence: sequence,
      traceparent: traceparent, correlationId: correlationId, data: json)
    return BrokerPublication(
      exchange: routes.exchange, routingKey: key,
      message: BrokerMessage(
        body: event.encoded, contentType: CloudEvent.mediaType, messageID: id.canonicalText,
        correlationID: correlationId.canonicalText),
      isMandatory: routes.isMandatory)
  }
}

/// The statements on an outbox. A service that has one has these columns in it.
package enum OutboxSQL {
  /// The first key of the advisory locks, apart from those of anything else.
  private static let lockClass = 0x0B0C

  /// The shards in which something waits: one look into the index for each.
  static let pendingShards: SQLStatement = """
    SELECT s.shard FROM unnest(\((0..<OutboxShard.count).map { $0 })::int2[]) AS s(shard)
    WHERE EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL AND refused_at IS NULL) AND EXISTS (
      SELECT 1 FROM outbox AS o WHERE o.shard = s.shard AND o.published_at IS NULL AND o.refused_at IS NULL)
    """

  /// Claims shards for the transaction, those that nobody else has.
  static func claim(_ shards: [Int]) -> SQLStatement {
    """
    SELECT s.shard, pg_try_advisory_xact_lock(\(lockClass)::int4, s.shard::int4) AS is_claimed
    FROM unnest(\(shards)::int2[]) AS s(shard)
    """
  }

  /// What waits in a shard, the oldest first.
  ///
  /// A statement of its own, after the claim: its snapshot must be younger than the lock, or it would show rows that
  /// the last holder has published.
  static func pending(shard: Int, limit: Int, maximumSize: Int) -> SQLStatement {
    """
    SELECT position, id, type, subject, sequence, time, correlation_id, traceparent,
      octet_length(data::text) AS size, CASE WHEN octet_length(data::text) <= \(maximumSize) THEN data::text END AS data
    FROM outbox WHERE shard = \(shard) AND published_at IS NULL AND refused_at IS NULL
    ORDER BY position LIMIT \(limit)
    """
  }

  static func markPublished(_ positions: [Int]) -> SQLStatement {
    "UPDATE outbox SET published_at = clock_timestamp() WHERE position = ANY(\(positions)::int8[])"
  }

  static func setAside(_ refusals: [(row: OutboxRow, reason: String)]) -> SQLStatement {
    """
    UPDATE outbox AS o SET refused_at = clock_timestamp(), refusal = r.reason
    FROM unnest(\(refusals.map(\.row.position))::int8[], \(refusals.map(\.reason))::text[]) AS r(position, reason)
    WHERE o.position = r.position
    """
  }
}
