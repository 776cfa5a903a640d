-- Open alerts of a lane that are passed on, by feed and asset: the worst, how many, since when.
SELECT feed, asset, min(severity COLLATE "C") AS severity, count(*)::integer AS n, min(started_at) AS since
FROM v_open_alerts
WHERE lane = $1 AND NOT suppressed
GROUP BY feed, asset
