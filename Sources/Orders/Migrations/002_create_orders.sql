-- One row for each order and its saga: what the customer sees, where the saga stands, and who drives it.
-- The fill factor leaves room in each page, so that the updates of a saga stay on their page (HOT update, PostgreSQL
-- manual §73.7): on the way that most orders go no column changes that is indexed, until the last step.
CREATE TABLE orders (
  id uuid PRIMARY KEY,
  user_id text NOT NULL,
  status text NOT NULL DEFAULT 'PENDING',
  total bigint NOT NULL,
  currency text NOT NULL,
  payment_token text NOT NULL,
  failure_code text,
  failure_detail text,
  correlation_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- What the steps have learned.
  reservation_id uuid,
  payment_id uuid,
  saga_state text NOT NULL DEFAULT 'forward',
  saga_step text NOT NULL DEFAULT 'reserve',
  -- Rises with each step that is recorded, so that a record whose answer was lost is found and not made twice.
  saga_version bigint NOT NULL DEFAULT 1,
  -- What the order becomes when it is undone: FAILED or CANCELLED.
  saga_ending text,
  -- Answers in a row with which nobody can go on.
  saga_refusals smallint NOT NULL DEFAULT 0,
  -- What asks the saga to turn round: 'cancelled' by the customer, 'expired' by the reservation's end.
  stop_reason text,
  -- Until lease_until the saga belongs to lease_owner, or rests when there is none; it is NULL when there is nothing more
  -- to do. lease_number rises with each claim: a late owner's record does not match it and is refused.
  lease_owner uuid,
  lease_number bigint NOT NULL DEFAULT 1,
  lease_until timestamptz
) WITH (fillfactor = 60);

-- Written with the order and never changed. The price is that of the moment.
CREATE TABLE order_items (
  order_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity integer NOT NULL,
  unit_price bigint NOT NULL,
  PRIMARY KEY (order_id, product_id)
);

-- A row for each state that an order entered; it enters none twice.
CREATE TABLE order_history (
  order_id uuid NOT NULL,
  status text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, status)
);

-- A row for each step that was begun, written before the step's first call.
CREATE TABLE saga_steps (
  order_id uuid NOT NULL,
  step text NOT NULL,
  -- 'started' until it is known what became of it: it may have taken effect.
  status text NOT NULL DEFAULT 'started',
  -- How often it was called; a call sends its request up to four times.
  attempts integer NOT NULL DEFAULT 1,
  error text,
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (order_id, step)
);
