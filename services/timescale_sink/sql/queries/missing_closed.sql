-- What has been missing stays so as far as it still is; what is not missing any more has ended.
UPDATE readings_missing AS r
SET numbers = CASE WHEN isempty(f.still) THEN r.numbers ELSE f.still END,
    ended_at = CASE WHEN isempty(f.still) THEN now() END
FROM (
    SELECT o.feed, o.lane, o.device_id, o.boot_id, o.noticed_at, o.numbers * coalesce(m.numbers, '{}') AS still
    FROM readings_missing AS o
    LEFT JOIN live_missing AS m USING (feed, lane, device_id, boot_id)
    WHERE o.ended_at IS NULL
) AS f
WHERE (r.feed, r.lane, r.device_id, r.boot_id, r.noticed_at) = (f.feed, f.lane, f.device_id, f.boot_id, f.noticed_at)
    AND r.ended_at IS NULL AND f.still <> r.numbers
