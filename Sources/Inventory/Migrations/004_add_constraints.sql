-- Nothing is oversold: the database refuses it whatever a program does.
ALTER TABLE inventory_items
  ADD CONSTRAINT inventory_items_reserved_check CHECK (0 <= reserved AND reserved <= quantity);
ALTER TABLE inventory_items
  ADD CONSTRAINT inventory_items_quantity_check CHECK (quantity <= 1000000000);
ALTER TABLE inventory_items
  ADD CONSTRAINT inventory_items_version_check CHECK (version >= 1);

ALTER TABLE reservations
  ADD CONSTRAINT reservations_status_check CHECK (status IN ('pending', 'confirmed', 'released', 'expired'));

ALTER TABLE reservation_items
  ADD CONSTRAINT reservation_items_quantity_check CHECK (quantity BETWEEN 1 AND 1000);
ALTER TABLE reservation_items
  ADD CONSTRAINT reservation_items_reservation_id_fkey
  FOREIGN KEY (reservation_id) REFERENCES reservations (id) ON DELETE CASCADE;
ALTER TABLE reservation_items
  ADD CONSTRAINT reservation_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES inventory_items (product_id);

ALTER TABLE stock_movements
  ADD CONSTRAINT stock_movements_reason_check
  CHECK (reason IN ('initial', 'adjusted', 'replenished', 'confirmed'));
ALTER TABLE stock_movements
  ADD CONSTRAINT stock_movements_product_id_fkey FOREIGN KEY (product_id) REFERENCES inventory_items (product_id);

ALTER TABLE outbox ADD CONSTRAINT outbox_shard_check CHECK (shard BETWEEN 0 AND 15);
ALTER TABLE outbox ADD CONSTRAINT outbox_sequence_check CHECK (sequence >= 1);
