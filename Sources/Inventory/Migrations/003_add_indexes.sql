-- The expiry job's work list: pending reservations by the time they fall due.
CREATE INDEX reservations_pending_expires_at_idx ON reservations (expires_at) WHERE status = 'pending';

-- A publisher takes the unpublished rows of one shard in the order in which they were written.
CREATE INDEX outbox_unpublished_idx ON outbox (shard, position) WHERE published_at IS NULL;

-- The ledger of one product; also finds the movement that one operation made.
CREATE INDEX stock_movements_product_id_ref_idx ON stock_movements (product_id, ref);

-- Old keys are removed by age.
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
