-- The transaction that POST /inventory/reserve stands for, one product of 10,000 drawn evenly.
-- pgbench -n -M prepared -c 20 -j 1 -D products=10000 -f reserve.sql
\set product random(1, :products)
BEGIN;
UPDATE inventory_items SET reserved = reserved + 1, version = version + 1, updated_at = now()
  WHERE product_id = ('00000000-0000-4000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid
    AND quantity - reserved >= 1;
INSERT INTO reservations (id, order_id, status, expires_at)
  VALUES (gen_random_uuid(), gen_random_uuid(), 'pending', now() + interval '15 minutes') RETURNING id \gset
INSERT INTO reservation_items (reservation_id, product_id, quantity)
  VALUES (:id::uuid, ('00000000-0000-4000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid, 1);
INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
  VALUES (gen_random_uuid(), 'InventoryReserved', :id::text, 1, 0, now(), gen_random_uuid(), '{"items":[{"quantity":1}]}');
COMMIT;
