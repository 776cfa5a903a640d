-- Keep events of alerts; a repeat is recognised by its id.
INSERT INTO alert_events (event_id, alert_id, revision, event, lane, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::jsonb[])
ON CONFLICT (event_id) DO NOTHING
