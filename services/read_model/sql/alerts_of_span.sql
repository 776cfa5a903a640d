-- Alerts of a feed in real life that began in a span and stand, without those that the platform raises about itself.
SELECT
    alert_id,
    rule,
    asset,
    severity,
    started_at,
    ended_at,
    source_kind,
    source_id,
    source_version
FROM v_alerts
WHERE lane = 'live'
    AND feed = $1
    AND started_at >= $2
    AND started_at < $3
    AND event <> 'retracted'
    AND rule NOT LIKE 'platform.%'
ORDER BY started_at, rule, asset
