-- From the time of measurement to the row, milliseconds, of live readings that were measured in a span.
SELECT
    count(*) AS n,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY age_ms) AS p50_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY age_ms) AS p99_ms
FROM (
    SELECT extract(epoch FROM stored_at - observed_at)::float8 * 1000 AS age_ms
    FROM v_ev_readings WHERE lane = 'live' AND observed_at >= $1 AND observed_at < $2
    UNION ALL
    SELECT extract(epoch FROM stored_at - observed_at)::float8 * 1000
    FROM v_water_readings WHERE lane = 'live' AND observed_at >= $1 AND observed_at < $2
    UNION ALL
    SELECT extract(epoch FROM stored_at - observed_at)::float8 * 1000
    FROM v_parking_readings WHERE lane = 'live' AND observed_at >= $1 AND observed_at < $2
    UNION ALL
    SELECT extract(epoch FROM stored_at - observed_at)::float8 * 1000
    FROM v_emergency_readings WHERE lane = 'live' AND observed_at >= $1 AND observed_at < $2
    UNION ALL
    SELECT extract(epoch FROM stored_at - observed_at)::float8 * 1000
    FROM v_tax_readings WHERE lane = 'live' AND observed_at >= $1 AND observed_at < $2
) AS aged
