-- Periods of some targets that were over on a day and of which another value or status was said after one moment and by another.
SELECT
    t.id AS target_id,
    q.subject,
    q.period_start,
    q.period_end,
    b.value AS was,
    q.value AS now,
    q.known_at AS at
FROM unnest($2::text[]) AS t (id)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (h.id, h.subject, h.period_start, h.period_end) h.*
    FROM v_indicator_history AS h
    WHERE h.lane = $1
        AND h.id = ANY (ARRAY[t.id, t.id || '_day', t.id || '_month'])
        AND h.period_start >= $3
        AND h.period_end <= $4
        AND h.period_end - h.period_start >= INTERVAL '1 day'
        AND h.known_at > $5
        AND h.known_at <= $6
        AND h.revision > 0
    ORDER BY h.id, h.subject, h.period_start, h.period_end, h.revision DESC
) AS q
CROSS JOIN LATERAL (
    SELECT r.value, r.status
    FROM v_indicator_history AS r
    WHERE r.lane = q.lane
        AND r.id = q.id
        AND r.subject = q.subject
        AND r.period_start = q.period_start
        AND r.period_end = q.period_end
        AND r.known_at <= $5
    ORDER BY r.revision DESC
    LIMIT 1
) AS b
WHERE (b.value, b.status) IS DISTINCT FROM (q.value, q.status)
ORDER BY q.known_at, q.id, q.subject, q.period_start
