-- Free spaces of all car parks of a zone together, by ten minutes: the sum of their means; counts that cannot be left out.
SELECT
    observed_at,
    NULL AS quality,
    sum(free_spaces)::double precision AS free_spaces,
    sum(out_of_service_spaces)::double precision AS out_of_service_spaces,
    sum(n)::bigint AS readings
FROM (
    SELECT
        date_bin('10 minutes', r.observed_at, '2000-01-01 00:00:00+00') AS observed_at,
        r.device_id,
        avg(r.free_spaces) AS free_spaces,
        avg(r.out_of_service_spaces) AS out_of_service_spaces,
        count(*) AS n
    FROM v_parking_readings AS r
    WHERE r.lane = $1
        AND r.device_id IN (SELECT a.asset_id FROM v_assets AS a WHERE a.parent_kind = $2 AND a.parent_id = $3)
        AND r.observed_at >= $4
        AND r.observed_at < $5
        AND ($6::timestamptz IS NULL OR r.stored_at <= $6)
        AND r.quality = 'good'
        AND r.free_spaces BETWEEN 0 AND r.total_spaces
    GROUP BY 1, 2
) AS lots
GROUP BY observed_at
ORDER BY observed_at
