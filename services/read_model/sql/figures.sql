-- The newest figure of every subject of some indicators, of a period that is over where there is one.
-- What is said of a period that runs changes with every reading. Of the longest periods that are judged (a year of tax, a month of emergency
-- calls), where there are any: a day of a year's target says little. Where a moment is given, as stored by then.
WITH RECURSIVE known AS (
    -- From one subject to the next in the index: years of figures cost no more than those of a day.
    SELECT t.id, s.subject
    FROM unnest($2::text[]) AS t (id)
    CROSS JOIN LATERAL (
        SELECT i.subject FROM v_indicators AS i WHERE i.lane = $1 AND i.id = t.id ORDER BY i.subject LIMIT 1
    ) AS s
    UNION ALL
    SELECT k.id, s.subject
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT i.subject
        FROM v_indicators AS i
        WHERE i.lane = $1 AND i.id = k.id AND i.subject > k.subject
        ORDER BY i.subject
        LIMIT 1
    ) AS s
)
SELECT
{figure_columns}
    i.sample_quality
FROM known AS k
CROSS JOIN LATERAL (
    (
        SELECT 0 AS preference, q.*
        FROM v_indicators AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.sample_seq = -1
            AND ($4::timestamptz IS NULL OR (q.period_start <= $4 AND q.stored_at <= $4))
            AND q.period_end - q.period_start > INTERVAL '20 days'
            AND q.period_end - q.period_start > (
                SELECT o.period_end - o.period_start - INTERVAL '5 days'
                FROM v_indicators AS o
                WHERE o.lane = $1
                    AND o.id = k.id
                    AND o.subject = k.subject
                    AND o.sample_seq = -1
                    AND ($4::timestamptz IS NULL OR (o.period_start <= $4 AND o.stored_at <= $4))
                    AND o.period_end - o.period_start > INTERVAL '20 days'
                ORDER BY o.period_end DESC, o.period_start
                LIMIT 1
            )
            AND q.period_end <= coalesce($4::timestamptz, now())
            AND NOT coalesce(q.details ? 'so_far', false)
        ORDER BY q.period_end DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 1 AS preference, q.*
        FROM v_indicators AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND q.sample_seq = -1
            AND ($4::timestamptz IS NULL OR (q.period_start <= $4 AND q.stored_at <= $4))
            AND q.period_end - q.period_start > INTERVAL '20 days'
        ORDER BY q.period_end DESC, q.period_start
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 2 AS preference, q.*
        FROM v_indicators AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND ($3::boolean OR q.sample_seq = -1)
            AND ($4::timestamptz IS NULL OR (q.period_start <= $4 AND q.stored_at <= $4))
            AND q.period_end <= coalesce($4::timestamptz, now())
            AND NOT coalesce(q.details ? 'so_far', false)
        ORDER BY q.period_start DESC, q.period_end DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 3 AS preference, q.*
        FROM v_indicators AS q
        WHERE q.lane = $1
            AND q.id = k.id
            AND q.subject = k.subject
            AND ($3::boolean OR q.sample_seq = -1)
            AND ($4::timestamptz IS NULL OR (q.period_start <= $4 AND q.stored_at <= $4))
        ORDER BY q.period_start DESC, q.period_end DESC
        LIMIT 1
    )
    ORDER BY preference
    LIMIT 1
) AS i
ORDER BY i.id, i.subject
