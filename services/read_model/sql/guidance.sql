-- Guidance that stands at a moment: of each car park the last one, until its next one is overdue by as much again.
SELECT DISTINCT ON (i.subject)
    i.subject,
    i.subject_name,
    i.period_start,
    i.value,
    i.status_reason,
    i.status_reason_zh,
    i.details
FROM v_indicators AS i
WHERE i.lane = $1
    AND i.id = 'parking.guidance'
    AND i.period_start BETWEEN $2::timestamptz - INTERVAL '2 hours' AND $2
    AND i.period_end + (i.period_end - i.period_start) > $2
ORDER BY i.subject, i.period_start DESC
