import FoundationEssentials
import Orders
import Seams
import SimulatedPostgres
import SimulationKernel
import Testing

/// What the service removes of its own rows, and what it keeps.
@Suite struct RetentionTests {
  /// More old rows than one transaction removes, beside young ones and those that somebody still needs.
  @Test func whatNobodyNeedsAnyMoreIsRemovedWithinMinutes() throws {
    let bench = try OrdersBench()
    try bench.server.setUp(
      """
      INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data, published_at, refused_at, refusal)
      SELECT gen_random_uuid(), kind, gen_random_uuid(), 1, 1, now(), gen_random_uuid(), '{}',
        CASE WHEN kind = 'old' THEN now() - interval '31 days' WHEN kind = 'young' THEN now() END,
        CASE WHEN kind = 'refused' THEN now() - interval '31 days' END, CASE WHEN kind = 'refused' THEN 'too large' END
      FROM (SELECT CASE WHEN n <= 2500 THEN 'old' WHEN n <= 2502 THEN 'young' ELSE 'refused' END AS kind
        FROM generate_series(1, 2503) AS n) AS kinds;
      INSERT INTO inbox (event_id, type, attempts, delivery, received_at, processed_at)
      SELECT gen_random_uuid(), kind, 1, gen_random_uuid(),
        CASE WHEN kind = 'young' THEN now() ELSE now() - interval '31 days' END,
        CASE WHEN kind = 'old' THEN now() - interval '31 days' WHEN kind <> 'dead' THEN now() END
      FROM unnest(ARRAY['old', 'young', 'revived', 'dead']) AS kind;
      INSERT INTO orders (id, user_id, total, currency, payment_token, correlation_id, status, saga_state)
      VALUES ('\(product(9))', 'ada', 100, 'EUR', 'tok_ok', gen_random_uuid(), 'CONFIRMED', 'done');
      INSERT INTO idempotency_keys (user_id, key, request_hash, order_id, created_at)
      VALUES ('ada', 'old', '\\x', '\(product(9))', now() - interval '25 hours'),
        ('ada', 'young', '\\x', '\(product(9))', now() - interval '23 hours');
      INSERT INTO notifications (id, order_id, user_id, type, data, delivered_at)
      VALUES ('\(product(1))', '\(product(9))', 'ada', 'order_confirmed', '{}', now() - interval '31 days');
      """)
    bench.run(instances: 2) { callers in try await callers[0].pause(.seconds(680)) }
    #expect(bench.rows("outbox", "type") == ["refused", "young", "young"])
    #expect(bench.rows("inbox", "type") == ["dead", "revived", "young"])
    #expect(bench.rows("idempotency_keys", "key") == ["young"])
    #expect(bench.rows("notifications", "type").isEmpty)
    #expect(bench.rows("orders", "status") == ["CONFIRMED"])
  }
}
