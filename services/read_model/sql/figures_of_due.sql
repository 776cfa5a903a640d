-- Of each indicator and subject the period in which its target was due, in the last revision said by a moment; of lengths the longest.
SELECT
{figure_columns}
    NULL AS sample_quality
FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t (id, subject, due)
CROSS JOIN LATERAL (
    (
        SELECT 0 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = t.id
            AND q.subject = t.subject
            AND q.period_end - q.period_start > INTERVAL '20 days'
            AND q.period_end >= t.due
            AND q.period_start < t.due
            AND q.period_start > t.due - INTERVAL '400 days'
            AND q.known_at <= coalesce($5::timestamptz, now())
        ORDER BY q.period_end DESC, q.period_start, q.revision DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT 1 AS preference, q.*
        FROM v_indicator_history AS q
        WHERE q.lane = $1
            AND q.id = t.id
            AND q.subject = t.subject
            AND q.period_end - q.period_start <= INTERVAL '20 days'
            AND q.period_start < t.due
            AND q.period_start >= t.due - INTERVAL '20 days'
            AND q.period_end >= t.due
            AND q.known_at <= coalesce($5::timestamptz, now())
        ORDER BY q.period_start DESC, q.period_end DESC, q.revision DESC
        LIMIT 1
    )
    ORDER BY preference
    LIMIT 1
) AS i
ORDER BY i.id, i.subject
