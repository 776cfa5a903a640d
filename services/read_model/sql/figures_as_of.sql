-- The newest figure of every subject of some indicators, of what had begun by a time, as reported at a moment; which period answers: see figures.sql.
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
{figure_columns}
    NULL AS sample_quality
FROM known AS k
CROSS JOIN LATERAL (
    (
        SELECT 0 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.period_start < $3
            AND q.known_at <= $4
            AND q.period_end - q.period_start > INTERVAL '20 days'
            AND q.period_end - q.period_start > (
                SELECT o.period_end - o.period_start - INTERVAL '5 days'
                FROM v_indicator_history AS o
                WHERE o.lane = $1
                    AND o.id = k.id
                    AND o.subject = k.subject
                    AND o.period_start < $3
                    AND o.known_at <= $4
                    AND o.period_end - o.period_start > INTERVAL '20 days'
                ORDER BY o.period_end DESC, o.period_start
                LIMIT 1
            )
            AND q.period_end <= $3
            AND NOT coalesce(q.details ? 'so_far', false)
        ORDER BY q.period_end DESC, q.revision DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 1 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.period_start < $3
            AND q.known_at <= $4
            AND q.period_end - q.period_start > INTERVAL '20 days'
        ORDER BY q.period_end DESC, q.period_start, q.revision DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 2 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.period_start < $3
            AND q.known_at <= $4
            AND q.period_end <= $3
            AND NOT coalesce(q.details ? 'so_far', false)
        ORDER BY q.period_start DESC, q.period_end DESC, q.revision DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 3 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.period_start < $3
            AND q.known_at <= $4
        ORDER BY q.period_start DESC, q.period_end DESC, q.revision DESC
        LIMIT 1
    )
    ORDER BY preference
    LIMIT 1
) AS i
ORDER BY i.id, i.subject
