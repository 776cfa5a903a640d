-- Count readings that came again unchanged, by the hour in which they were measured.
INSERT INTO reading_repeats AS r (feed, hour, lane, device_id, n)
SELECT $1, * FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::bigint[])
ORDER BY 1, 2, 3, 4
ON CONFLICT (hour, feed, lane, device_id) DO UPDATE SET n = r.n + excluded.n
