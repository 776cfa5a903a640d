-- Open alerts for people: real life first, then the worst, then the newest.
SELECT
    lane,
    alert_id,
    feed,
    rule,
    asset,
    place,
    severity,
    started_at,
    raised_at,
    observed_value,
    observed_unit,
    threshold_value,
    threshold_unit,
    threshold_comparator,
    source_kind,
    source_id,
    source_where,
    text_zh,
    text_en
FROM v_open_alerts
ORDER BY lane <> 'live', severity, started_at DESC
LIMIT $1
