-- The newest event, whole, of one alert.
SELECT data FROM v_alert_events WHERE alert_id = $1 ORDER BY revision DESC LIMIT 1
