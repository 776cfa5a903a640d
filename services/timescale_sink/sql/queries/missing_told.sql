-- The alert of missing numbers is in Kafka: 1 raised, 2 resolved.
UPDATE readings_missing
SET told = greatest(told, $6)
WHERE feed = $1 AND lane = $2 AND device_id = $3 AND boot_id = $4 AND noticed_at = $5
