DROP INDEX outbox_unpublished_idx;
CREATE INDEX outbox_unpublished_idx ON outbox (shard, position) WHERE published_at IS NULL;

ALTER TABLE outbox DROP CONSTRAINT outbox_refusal_check;
ALTER TABLE outbox DROP COLUMN refusal;
ALTER TABLE outbox DROP COLUMN refused_at;
