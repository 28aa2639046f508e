-- Empties what orders fill; the products stay.
TRUNCATE orders, order_items, order_history, saga_steps, idempotency_keys, notifications, outbox, inbox, dead_letters;
VACUUM ANALYZE;
CHECKPOINT;
