-- The event time of the revision that an action is about: a message about the action refers to the alert's by it.

ALTER TABLE alert_actions ADD COLUMN said_at timestamptz;
COMMENT ON COLUMN alert_actions.said_at IS 'Event time of the revision alert_revision; NULL where it was not noted.';
CREATE OR REPLACE VIEW v_alert_actions AS SELECT * FROM alert_actions;
