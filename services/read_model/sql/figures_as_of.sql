-- The newest figure of every subject of some indicators, as reported at a moment, of a period that was over by then where
-- there is one.
WITH RECURSIVE known AS (
    SELECT t.id, s.subject
    FROM unnest($2::text[]) AS t (id)
    CROSS JOIN LATERAL (
        SELECT i.subject FROM v_indicator_history AS i WHERE i.lane = $1 AND i.id = t.id ORDER BY i.subject LIMIT 1
    ) AS s
    UNION ALL
    SELECT k.id, s.subject
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT i.subject
        FROM v_indicator_history AS i
        WHERE i.lane = $1 AND i.id = k.id AND i.subject > k.subject
        ORDER BY i.subject
        LIMIT 1
    ) AS s
)
SELECT
    i.id,
    i.subject,
    i.subject_name,
    i.value,
    i.unit,
    i.status,
    i.status_reason,
    i.period_start,
    i.period_end,
    i.known_at,
    i.n,
    i.completeness,
    i.threshold,
    i.details,
    NULL AS sample_quality
FROM known AS k
CROSS JOIN LATERAL (
    (
        SELECT 0 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.period_end <= $3
            AND q.known_at <= $3
            AND NOT coalesce(q.details ? 'so_far', false)
        ORDER BY q.period_start DESC, q.period_end DESC, q.revision DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 1 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1 AND q.id = k.id AND q.subject = k.subject AND q.period_start <= $3 AND q.known_at <= $3
        ORDER BY q.period_start DESC, q.period_end DESC, q.revision DESC
        LIMIT 1
    )
    ORDER BY preference
    LIMIT 1
) AS i
ORDER BY i.id, i.subject
