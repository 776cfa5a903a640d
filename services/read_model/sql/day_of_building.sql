-- What the offices of a building reported, by the hour: payments, refunds and corrections together.
SELECT
    date_bin('1 hour', r.observed_at, '2000-01-01 00:00:00+00') AS observed_at,
    NULL AS quality,
    sum(r.amount_cny) AS amount_cny,
    count(*) AS readings
FROM v_tax_readings AS r
WHERE r.lane = $1
    AND r.device_id IN (SELECT a.asset_id FROM v_assets AS a WHERE a.parent_kind = $2 AND a.parent_id = $3)
    AND r.observed_at >= $4
    AND r.observed_at < $5
    AND ($6::timestamptz IS NULL OR r.stored_at <= $6)
GROUP BY 1
ORDER BY 1
