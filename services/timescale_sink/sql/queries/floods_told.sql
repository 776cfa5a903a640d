-- How far the alert of a device that sends too fast is: 1 being raised, 2 raised, 3 resolved.
UPDATE device_floods SET told = greatest(told, $4) WHERE feed = $1 AND device_id = $2 AND began_at = $3
