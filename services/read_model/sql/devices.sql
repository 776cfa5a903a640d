-- Devices of a lane with when they were heard last; where a moment is given, those that were known by then.
SELECT feed, device_id, group_id, last_seen_at
FROM v_devices
WHERE lane = $1 AND ($2::text IS NULL OR feed = $2) AND ($3::timestamptz IS NULL OR first_seen_at <= $3)
