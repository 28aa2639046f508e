DROP INDEX outbox_refused_idx;
DROP INDEX orders_refused_idx;
DROP INDEX orders_undone_idx;
