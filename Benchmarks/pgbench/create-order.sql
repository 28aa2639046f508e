-- The inserting transaction of POST /orders for one order of one line: the rows that the service writes, and nothing else.
-- pgbench -n -M prepared -c 20 -j 1 -D products=10000 -f create-order.sql
-- As in the service, an order's id begins with the time, and keys are random.
\set product random(1, :products)
\set user random(1, 1000)
\set shard random(0, 15)
BEGIN;
INSERT INTO orders (id, user_id, total, currency, payment_token, correlation_id, lease_owner, lease_until)
  VALUES (
    (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
      || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid,
    'user-' || :user::int, 1990, 'EUR', 'tok_ok', gen_random_uuid(), '20c00000-0000-8000-8000-000000000000',
    now() + interval '60 seconds') RETURNING id \gset
INSERT INTO order_items (order_id, product_id, quantity, unit_price)
  VALUES (:id::uuid, ('20c00000-0000-8000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid, 1, 1990);
INSERT INTO order_history (order_id, status) VALUES (:id::uuid, 'PENDING');
INSERT INTO saga_steps (order_id, step) VALUES (:id::uuid, 'reserve');
INSERT INTO idempotency_keys (user_id, key, request_hash, order_id)
  VALUES ('user-' || :user::int, gen_random_uuid()::text, sha256(:id::text::bytea), :id::uuid);
INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
  VALUES (gen_random_uuid(), 'OrderCreated', :id::text, 1, :shard::int, now(), gen_random_uuid(),
    '{"orderId":"20c00000-0000-8000-8000-000000000000","userId":"user-1000","total":1990,"currency":"EUR"}');
COMMIT;
