-- Figures of periods as reported at a moment, the newest period in front, behind a key; of a span, or of all time.
SELECT
    id,
    subject,
    subject_name,
    lane,
    feed,
    period_start,
    period_end,
    value,
    unit,
    status,
    status_reason,
    status_reason_zh,
    n,
    completeness,
    revision,
    threshold,
    threshold -> 'source' ->> 'id' AS source_id,
    threshold -> 'source' ->> 'version' AS source_version,
    known_at,
    details
FROM (
    SELECT DISTINCT ON (period_start, id, subject, period_end) *
    FROM v_indicator_history
    WHERE lane = $1 AND known_at <= $12::timestamptz AND ($3::text IS NULL OR id = $3)
        AND ($4::text IS NULL OR subject = $4) AND ($6::timestamptz IS NULL OR period_start <= $6)
        AND ($11::interval IS NULL OR period_start >= coalesce($6, $12) - $11)
    ORDER BY period_start DESC, id, subject, period_end, revision DESC
) AS reported
WHERE lane = $1
    AND ($2::text IS NULL OR feed = $2)
    AND ($3::text IS NULL OR id = $3)
    AND ($4::text IS NULL OR subject = $4)
    AND CASE $5::text
        WHEN 'day' THEN period_end = period_start + INTERVAL '1 day'
        WHEN 'month' THEN period_end - period_start BETWEEN INTERVAL '28 days' AND INTERVAL '31 days'
        WHEN 'year' THEN period_end - period_start BETWEEN INTERVAL '365 days' AND INTERVAL '366 days'
        ELSE TRUE
    END
    AND ($6::timestamptz IS NULL OR (period_start <= $6
        AND (period_start < $6 OR (id, subject, period_end) > ($7::text, $8::text, $9::timestamptz))))
ORDER BY period_start DESC, id, subject, period_end
LIMIT $10
