-- Bring what is known to be missing in line with the ledger: new gaps, others than before, and those that have closed.
WITH noted AS (
    SELECT feed, lane, device_id, boot_id, range_agg(numbers) AS numbers
    FROM readings_missing
    WHERE acknowledged_by IS NOT NULL
    GROUP BY feed, lane, device_id, boot_id
),
now_missing AS (
    SELECT d.feed, d.lane, d.device_id, d.boot_id, d.missing_numbers::int8multirange - coalesce(n.numbers, '{}') AS numbers
    FROM v_device_ledger AS d
    LEFT JOIN noted AS n USING (feed, lane, device_id, boot_id)
    WHERE d.missing > 0 AND d.lane = 'live'
),
closed AS (
    UPDATE readings_missing AS r
    SET ended_at = now()
    WHERE r.ended_at IS NULL AND NOT EXISTS (
        SELECT FROM now_missing AS m
        WHERE (m.feed, m.lane, m.device_id, m.boot_id) = (r.feed, r.lane, r.device_id, r.boot_id) AND NOT isempty(m.numbers)
    )
)
INSERT INTO readings_missing AS r (feed, lane, device_id, boot_id, numbers)
SELECT feed, lane, device_id, boot_id, numbers FROM now_missing WHERE NOT isempty(numbers)
ORDER BY feed, lane, device_id, boot_id
ON CONFLICT (feed, lane, device_id, boot_id) WHERE ended_at IS NULL DO UPDATE SET numbers = excluded.numbers
WHERE r.numbers <> excluded.numbers
