DROP INDEX orders_undone_created_at_idx;
DROP INDEX dead_letters_resolved_idx;
DROP INDEX inbox_received_at_idx;
DROP INDEX outbox_published_at_idx;
