-- Readings that came again unchanged, of each device, by the hours of a span in which they were measured.
SELECT feed, device_id, sum(n)::bigint AS n
FROM v_reading_repeats
WHERE ($1::text IS NULL OR feed = $1) AND lane = $2 AND ($3::text IS NULL OR device_id = $3) AND hour >= $4 AND hour < $5
GROUP BY feed, device_id
ORDER BY feed, device_id
