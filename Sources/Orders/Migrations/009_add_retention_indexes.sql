-- What is removed by age. An event gets its entry when it is published; a row of the inbox keeps the one that it has.
CREATE INDEX outbox_published_at_idx ON outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX inbox_received_at_idx ON inbox (received_at);

-- Letters that somebody has dealt with, newest first, as operators read them.
CREATE INDEX dead_letters_resolved_idx ON dead_letters (died_at, id) WHERE resolved_at IS NOT NULL;

-- Orders that were undone lately.
CREATE INDEX orders_undone_created_at_idx ON orders (created_at) WHERE saga_ending IS NOT NULL;
