-- Readings that contradict a stored one, the newest first.
SELECT received_at, feed, lane, device_id, boot_id, seq, detail, stored, refused
FROM v_reading_conflicts
WHERE ($1::text IS NULL OR feed = $1) AND lane = $2 AND ($3::text IS NULL OR device_id = $3)
ORDER BY received_at DESC
LIMIT $4
