-- Power of all connectors of a site together, by ten minutes: the sum of their means.
SELECT observed_at, NULL AS quality, sum(power_kw) AS power_kw, sum(n)::bigint AS readings
FROM (
    SELECT
        date_bin('10 minutes', r.observed_at, '2000-01-01 00:00:00+00') AS observed_at,
        r.device_id,
        avg(r.power_kw) AS power_kw,
        count(*) AS n
    FROM v_ev_readings AS r
    WHERE r.lane = $1
        AND r.device_id IN (SELECT a.asset_id FROM v_assets AS a WHERE a.parent_kind = $2 AND a.parent_id = $3)
        AND r.observed_at >= $4
        AND r.observed_at < $5
        AND ($6::timestamptz IS NULL OR r.stored_at <= $6)
        AND r.quality = 'good'
    GROUP BY 1, 2
) AS connectors
GROUP BY observed_at
ORDER BY observed_at
