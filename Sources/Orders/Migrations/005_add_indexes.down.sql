DROP INDEX dead_letters_died_at_idx;
DROP INDEX notifications_due_at_idx;
DROP INDEX idempotency_keys_created_at_idx;
DROP INDEX outbox_unpublished_idx;
DROP INDEX orders_lease_until_idx;
DROP INDEX orders_user_id_idx;
