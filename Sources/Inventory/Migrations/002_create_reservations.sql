-- A reservation belongs to one order and holds all its lines, all or nothing.
CREATE TABLE reservations (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL CONSTRAINT reservations_order_id_key UNIQUE,
  status text NOT NULL DEFAULT 'pending',
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Written with its reservation and never changed: who knows a reservation's id may read its lines without a lock.
CREATE TABLE reservation_items (
  reservation_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity integer NOT NULL,
  PRIMARY KEY (reservation_id, product_id)
);
