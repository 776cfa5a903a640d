-- How far an alert of missing numbers is: 1 being raised, 2 raised, 3 resolved.
UPDATE readings_missing
SET told = greatest(told, $6)
WHERE feed = $1 AND lane = $2 AND device_id = $3 AND boot_id = $4 AND noticed_at = $5
