-- What operators look for: few rows among many. The conditions are on columns that never change on the way that most
-- orders go, so that their updates stay on their page (see 002).

-- Orders that are undone, or were.
CREATE INDEX orders_undone_idx ON orders (id) WHERE saga_ending IS NOT NULL;

-- Sagas whose compensation is refused; those that are stuck are among them.
CREATE INDEX orders_refused_idx ON orders (id) WHERE saga_refusals > 0;

-- Events that the broker will never take.
CREATE INDEX outbox_refused_idx ON outbox (refused_at) WHERE refused_at IS NOT NULL;
