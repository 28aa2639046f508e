-- The catalogue: orders own it; inventory knows ids only. A price is in minor units of its currency.
CREATE TABLE products (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  price bigint NOT NULL,
  currency text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
