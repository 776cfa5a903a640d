-- What is missing and was not at the last look begins now.
INSERT INTO readings_missing (feed, lane, device_id, boot_id, numbers)
SELECT m.feed, m.lane, m.device_id, m.boot_id, m.numbers - coalesce(o.numbers, '{}')
FROM live_missing AS m
LEFT JOIN LATERAL (
    SELECT range_agg(r.numbers) AS numbers
    FROM readings_missing AS r
    WHERE (r.feed, r.lane, r.device_id, r.boot_id) = (m.feed, m.lane, m.device_id, m.boot_id) AND r.ended_at IS NULL
) AS o ON true
WHERE NOT isempty(m.numbers - coalesce(o.numbers, '{}'))
