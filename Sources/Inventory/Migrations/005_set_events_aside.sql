-- An event that the broker will never take is set aside, with the reason, and blocks nothing.
ALTER TABLE outbox ADD COLUMN refused_at timestamptz;
ALTER TABLE outbox ADD COLUMN refusal text;
ALTER TABLE outbox ADD CONSTRAINT outbox_refusal_check CHECK ((refused_at IS NULL) = (refusal IS NULL));

DROP INDEX outbox_unpublished_idx;
CREATE INDEX outbox_unpublished_idx ON outbox (shard, position) WHERE published_at IS NULL AND refused_at IS NULL;
