-- Events, written in the transaction that they tell of. A row waits here until it was published, or was set aside since
-- the broker will never take it.
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
  published_at timestamptz,
  refused_at timestamptz,
  refusal text
);

-- The order that each keyed request made. Its first answer can be told from the order at any time.
CREATE TABLE idempotency_keys (
  user_id text NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  order_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);

-- What a customer is to be told, written in the transaction that it tells of.
CREATE TABLE notifications (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL,
  user_id text NOT NULL,
  type text NOT NULL,
  data json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz,
  error text
);
