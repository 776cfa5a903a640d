-- Every revision of an alert in its order.
SELECT
    event_id,
    alert_id,
    revision,
    event,
    lane,
    data,
    stored_at,
    severity,
    started_at,
    raised_at,
    ended_at,
    observed_value,
    observed_unit,
    text_zh,
    text_en
FROM v_alert_events
WHERE alert_id = $1
ORDER BY revision
