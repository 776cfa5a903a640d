-- The alert that an action is about.
SELECT alert_id FROM v_alert_actions WHERE action_id = $1
