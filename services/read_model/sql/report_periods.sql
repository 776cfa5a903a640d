-- Periods of a day or longer of some targets, of their days and months as well, that lie in a span, in the last revision said by a moment.
SELECT DISTINCT ON (q.id, q.subject, q.period_start, q.period_end)
    t.id AS target_id,
    q.subject,
    q.period_start,
    q.period_end,
    q.value,
    q.status,
    q.completeness,
    q.known_at
FROM unnest($2::text[]) AS t (id)
JOIN v_indicator_history AS q ON q.id = ANY (ARRAY[t.id, t.id || '_day', t.id || '_month'])
WHERE q.lane = $1
    AND q.period_start >= $3
    AND q.period_end <= $4
    AND q.period_end - q.period_start >= INTERVAL '1 day'
    AND NOT coalesce(q.details ? 'so_far', false)
    AND q.known_at <= $5
ORDER BY q.id, q.subject, q.period_start, q.period_end, q.revision DESC
