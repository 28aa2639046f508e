ALTER TABLE products ADD CONSTRAINT products_price_check CHECK (price BETWEEN 1 AND 1000000000);
ALTER TABLE products ADD CONSTRAINT products_currency_check CHECK (length(currency) = 3);

ALTER TABLE orders
  ADD CONSTRAINT orders_status_check
  CHECK (status IN ('PENDING', 'RESERVED', 'PAID', 'CONFIRMED', 'FAILED', 'CANCELLED'));
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 1);
ALTER TABLE orders ADD CONSTRAINT orders_failure_check CHECK (status <> 'FAILED' OR failure_code IS NOT NULL);
ALTER TABLE orders
  ADD CONSTRAINT orders_saga_state_check CHECK (saga_state IN ('forward', 'compensating', 'done', 'stuck'));
ALTER TABLE orders
  ADD CONSTRAINT orders_saga_step_check CHECK (saga_step IN ('reserve', 'charge', 'confirm', 'refund', 'release'));
ALTER TABLE orders ADD CONSTRAINT orders_saga_ending_check CHECK (saga_ending IN ('FAILED', 'CANCELLED'));
ALTER TABLE orders ADD CONSTRAINT orders_stop_reason_check CHECK (stop_reason IN ('cancelled', 'expired'));
-- A saga is done only with an order in a final state, and a confirmed order has nothing left to do.
ALTER TABLE orders
  ADD CONSTRAINT orders_done_check CHECK (saga_state <> 'done' OR status IN ('CONFIRMED', 'FAILED', 'CANCELLED'));
ALTER TABLE orders ADD CONSTRAINT orders_confirmed_check CHECK (status <> 'CONFIRMED' OR saga_state = 'done');
-- Whatever is not over is on the work list.
ALTER TABLE orders
  ADD CONSTRAINT orders_lease_check CHECK ((lease_until IS NULL) = (saga_state IN ('done', 'stuck')));

ALTER TABLE order_items ADD CONSTRAINT order_items_quantity_check CHECK (quantity BETWEEN 1 AND 1000);
ALTER TABLE order_items
  ADD CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE;
ALTER TABLE order_items
  ADD CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (id);

ALTER TABLE order_history
  ADD CONSTRAINT order_history_status_check
  CHECK (status IN ('PENDING', 'RESERVED', 'PAID', 'CONFIRMED', 'FAILED', 'CANCELLED'));
ALTER TABLE order_history
  ADD CONSTRAINT order_history_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE;

ALTER TABLE saga_steps
  ADD CONSTRAINT saga_steps_step_check CHECK (step IN ('reserve', 'charge', 'confirm', 'refund', 'release'));
ALTER TABLE saga_steps
  ADD CONSTRAINT saga_steps_status_check CHECK (status IN ('started', 'done', 'refused', 'failed'));
ALTER TABLE saga_steps ADD CONSTRAINT saga_steps_ended_check CHECK ((status = 'started') = (ended_at IS NULL));
ALTER TABLE saga_steps
  ADD CONSTRAINT saga_steps_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE;

ALTER TABLE idempotency_keys
  ADD CONSTRAINT idempotency_keys_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE;

-- A customer is told of an end once.
ALTER TABLE notifications
  ADD CONSTRAINT notifications_type_check CHECK (type IN ('order_confirmed', 'order_failed', 'order_cancelled'));
ALTER TABLE notifications ADD CONSTRAINT notifications_order_id_key UNIQUE (order_id);
ALTER TABLE notifications
  ADD CONSTRAINT notifications_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE;

ALTER TABLE outbox ADD CONSTRAINT outbox_shard_check CHECK (shard BETWEEN 0 AND 15);
ALTER TABLE outbox ADD CONSTRAINT outbox_sequence_check CHECK (sequence >= 1);
ALTER TABLE outbox ADD CONSTRAINT outbox_refusal_check CHECK ((refused_at IS NULL) = (refusal IS NULL));
