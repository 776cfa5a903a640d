-- The last reading of each of the units; where a moment is given, measured and stored by then.
SELECT d.device_id, d.group_id, r.*
FROM v_devices AS d
CROSS JOIN LATERAL (
    SELECT q.observed_at, q.quality, q.unit_state, q.longitude, q.latitude
    FROM v_emergency_readings AS q
    WHERE q.lane = d.lane
        AND q.device_id = d.device_id
        -- One that is dated ahead of the platform's clock waits.
        AND NOT 'future_time' = ANY (q.quality_codes)
        AND q.unit_state IS NOT NULL
        AND ($2::timestamptz IS NULL OR (q.observed_at <= $2 AND q.stored_at <= $2))
    ORDER BY q.observed_at DESC
    LIMIT 1
) AS r
WHERE d.feed = 'emergency' AND d.lane = $1 AND ($3::text[] IS NULL OR d.device_id = ANY ($3) OR d.group_id = ANY ($3))
