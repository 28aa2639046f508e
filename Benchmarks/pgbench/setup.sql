-- The bench's products: 00000000-0000-4000-8000-000000000001 and on, with stock that does not run out.
TRUNCATE inventory_items, reservations, reservation_items, stock_movements, outbox, idempotency_keys;
INSERT INTO inventory_items (product_id, quantity)
  SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1000000000
  FROM generate_series(1, :products) AS n;
VACUUM ANALYZE;
CHECKPOINT;
