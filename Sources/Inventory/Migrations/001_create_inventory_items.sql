-- One row for each product: what is on hand, and how much of it is promised to pending reservations.
-- The fill factor leaves room in each page, so that an update of a hot row stays on its page (HOT update,
-- PostgreSQL manual §73.7) and touches no index: no column that changes is indexed.
CREATE TABLE inventory_items (
  product_id uuid PRIMARY KEY,
  quantity integer NOT NULL,
  reserved integer NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The ledger: a row for each change of inventory_items.quantity. The sum of delta is the quantity, always.
CREATE TABLE stock_movements (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id uuid NOT NULL,
  delta integer NOT NULL,
  reason text NOT NULL,
  ref text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Events, written in the transaction that they tell of. A row waits here until it was published.
CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  sequence bigint NOT NULL,
  shard smallint NOT NULL,
  time timestamptz NOT NULL,
  correlation_id uuid NOT NULL,
  traceparent text,
  data json NOT NULL,
  published_at timestamptz
);

-- The first answer to each keyed request. The row is written in the transaction that it answers for.
CREATE TABLE idempotency_keys (
  operation text NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  status smallint NOT NULL,
  response text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (operation, key)
);
