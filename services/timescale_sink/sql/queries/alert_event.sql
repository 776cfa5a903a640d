-- Keep one event of an alert; a repeat is recognised by its id.
INSERT INTO alert_events (event_id, alert_id, revision, event, lane, data)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (event_id) DO NOTHING
