-- The ledger of one device by hour of measurement.
SELECT feed, lane, device_id, bucket, sent, stored, repeated, refused, missing
FROM v_device_hours
WHERE lane = $1 AND device_id = $2 AND bucket >= $3 AND bucket < $4
ORDER BY bucket, feed
