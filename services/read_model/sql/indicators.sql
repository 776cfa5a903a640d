-- Figures of periods as now known, the newest period in front, behind a key; of a span before it, or of all time.
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
FROM v_indicators
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
    AND ($11::interval IS NULL OR period_start >= coalesce($6, now()) - $11)
    AND sample_device_id = ''
ORDER BY period_start DESC, id, subject, period_end
LIMIT $10
