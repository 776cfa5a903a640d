-- Numbers of live devices that are missing and of which nobody has taken note, the oldest first.
SELECT feed, lane, device_id, boot_id, noticed_at, n, numbers, is_alert
FROM v_readings_missing
WHERE ended_at IS NULL AND ($1::text IS NULL OR feed = $1) AND ($2::text IS NULL OR device_id = $2)
ORDER BY noticed_at, feed, device_id, boot_id
LIMIT $3
