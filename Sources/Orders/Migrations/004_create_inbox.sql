-- One row for each event that was received: what makes its second delivery harmless, and counts its attempts.
CREATE TABLE inbox (
  event_id uuid PRIMARY KEY,
  type text NOT NULL,
  attempts smallint NOT NULL,
  -- The delivery that was counted last, so that none is counted twice.
  delivery uuid NOT NULL,
  history text NOT NULL DEFAULT '',
  received_at timestamptz NOT NULL DEFAULT now(),
  processed_at timestamptz,
  dead_at timestamptz
);

-- What could not be processed, for an operator. A row is there until somebody resolves it.
CREATE TABLE dead_letters (
  id uuid PRIMARY KEY,
  queue text NOT NULL,
  event_id uuid,
  type text,
  subject text,
  correlation_id uuid,
  exchange text NOT NULL,
  routing_key text NOT NULL,
  content_type text,
  body bytea NOT NULL,
  attempts smallint NOT NULL,
  reason text NOT NULL,
  history text NOT NULL DEFAULT '',
  died_at timestamptz NOT NULL,
  resolved_at timestamptz,
  resolution text
);
