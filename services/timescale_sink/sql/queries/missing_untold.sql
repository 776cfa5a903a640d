-- What has to be said of missing numbers: an alert of those that have been missing for too long, again of those that may not have been
-- said, and the end of those told.
SELECT feed, lane, device_id, boot_id, noticed_at, numbers::text AS numbers, ended_at, acknowledged_by, told,
    (SELECT sum(upper(n) - lower(n)) FROM unnest(numbers) AS n)::bigint AS n
FROM readings_missing
WHERE (told = 0 AND ended_at IS NULL AND noticed_at <= now() - $1::interval) OR told = 1 OR (told = 2 AND ended_at IS NOT NULL)
ORDER BY noticed_at, feed, device_id, boot_id
LIMIT $2
