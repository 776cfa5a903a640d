-- Ids of alerts that begin with some characters.
SELECT DISTINCT alert_id FROM v_alert_events WHERE starts_with(alert_id, $1) ORDER BY alert_id LIMIT $2
