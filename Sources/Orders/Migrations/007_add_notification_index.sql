-- What was told long ago is removed by age.
CREATE INDEX notifications_delivered_at_idx ON notifications (delivered_at) WHERE delivered_at IS NOT NULL;
