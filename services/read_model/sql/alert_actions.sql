-- Every action on an alert in the order of the log.
SELECT
    action_id,
    kind,
    at,
    actor,
    by,
    by_name,
    lane,
    asset,
    alert_id,
    seen,
    assignee,
    scope,
    until,
    words,
    fate,
    stored_at
FROM v_alert_actions
WHERE alert_id = $1
ORDER BY kafka_partition, kafka_offset
