-- Bring an alert's current state forward, never back. It counts as superseded until `settle_alerts` has looked.
INSERT INTO alerts AS a (
    alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at, raised_at, ended_at,
    observed_value, observed_unit, threshold, evidence, text_zh, text_en, limits, suppression,
    members, superseded_by
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    'unsettled')
ON CONFLICT (alert_id) DO UPDATE SET
    revision = excluded.revision,
    event = excluded.event,
    place = excluded.place,
    severity = excluded.severity,
    started_at = excluded.started_at,
    raised_at = excluded.raised_at,
    ended_at = excluded.ended_at,
    observed_value = excluded.observed_value,
    observed_unit = excluded.observed_unit,
    threshold = excluded.threshold,
    evidence = excluded.evidence,
    text_zh = excluded.text_zh,
    text_en = excluded.text_en,
    limits = excluded.limits,
    suppression = excluded.suppression,
    members = excluded.members,
    superseded_by = 'unsettled',
    stored_at = clock_timestamp()
WHERE a.revision < excluded.revision
