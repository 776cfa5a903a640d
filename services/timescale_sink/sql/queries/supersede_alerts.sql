-- Of the open alerts of one rule and asset the latest is the one that operators see; first the others step back …
UPDATE alerts AS a
SET superseded_by = w.alert_id
FROM (
    SELECT DISTINCT ON (lane, rule, asset) lane, rule, asset, alert_id
    FROM alerts
    WHERE lane = $1 AND rule = $2 AND asset = $3 AND ended_at IS NULL AND event <> 'retracted'
    ORDER BY lane, rule, asset, started_at DESC, alert_id DESC
) AS w
WHERE a.lane = w.lane AND a.rule = w.rule AND a.asset = w.asset AND a.alert_id <> w.alert_id
    AND a.ended_at IS NULL AND a.event <> 'retracted'
    AND a.superseded_by IS DISTINCT FROM w.alert_id
