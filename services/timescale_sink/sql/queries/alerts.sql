-- Bring the state of alerts forward, never back; each at most once. An open one is nobody's neighbour until `link_alerts`
-- has looked, and one that is over supersedes nothing and is superseded by nothing.
INSERT INTO alerts AS a (
    alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at, raised_at, ended_at,
    observed_value, observed_unit, threshold, evidence, text_zh, text_en, limits, suppression, members, superseded_by
)
SELECT
    n.*,
    CASE WHEN n.ended_at IS NULL AND n.event <> 'retracted' THEN 'unsettled' END
FROM unnest(
    $1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::float8[], $14::text[], $15::jsonb[], $16::jsonb[],
    $17::text[], $18::text[], $19::jsonb[], $20::jsonb[], $21::jsonb[]
) AS n (
    alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at, raised_at, ended_at,
    observed_value, observed_unit, threshold, evidence, text_zh, text_en, limits, suppression, members
)
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
    superseded_by = excluded.superseded_by,
    stored_at = clock_timestamp()
WHERE a.revision < excluded.revision
