-- Numbers of devices that are missing.
SELECT feed, lane, device_id, boot_id, first_seq, last_seq, n
FROM v_device_gaps
WHERE ($1::text IS NULL OR feed = $1) AND lane = $2 AND ($3::text IS NULL OR device_id = $3)
ORDER BY feed, device_id, boot_id, first_seq
LIMIT $4
