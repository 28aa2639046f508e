-- A user's orders, newest first.
CREATE INDEX orders_user_id_idx ON orders (user_id, created_at, id);

-- The work list: sagas that somebody must go on with, by the time from which on anybody may.
CREATE INDEX orders_lease_until_idx ON orders (lease_until) WHERE lease_until IS NOT NULL;

-- A publisher takes the unpublished rows of one shard in the order in which they were written.
CREATE INDEX outbox_unpublished_idx ON outbox (shard, position) WHERE published_at IS NULL AND refused_at IS NULL;

-- Old keys are removed by age.
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- What is still to be told.
CREATE INDEX notifications_due_at_idx ON notifications (due_at) WHERE delivered_at IS NULL;

-- The letters that nobody has dealt with yet.
CREATE INDEX dead_letters_died_at_idx ON dead_letters (died_at) WHERE resolved_at IS NULL;
