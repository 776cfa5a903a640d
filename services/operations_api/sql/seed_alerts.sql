-- The newest event, whole, of each alert that is not over.
SELECT e.data
FROM v_alert_lives AS l
CROSS JOIN LATERAL (
    SELECT data FROM v_alert_events AS e WHERE e.alert_id = l.alert_id ORDER BY revision DESC LIMIT 1
) AS e
WHERE l.standing NOT IN ('resolved', 'retracted')
