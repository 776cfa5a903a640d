-- Means over the points of a lake by the hour, of readings of good quality.
SELECT
    date_bin('1 hour', r.observed_at, '2000-01-01 00:00:00+00') AS observed_at,
    NULL AS quality,
    avg(r.water_temp_c) AS water_temp_c,
    avg(r.ph) AS ph,
    avg(r.do_mg_l) AS do_mg_l,
    avg(r.conductivity_us_cm) AS conductivity_us_cm,
    avg(r.turbidity_ntu) AS turbidity_ntu,
    avg(r.codmn_mg_l) AS codmn_mg_l,
    avg(r.nh3n_mg_l) AS nh3n_mg_l,
    avg(r.tp_mg_l) AS tp_mg_l,
    avg(r.tn_mg_l) AS tn_mg_l,
    avg(r.chla_ug_l) AS chla_ug_l,
    avg(r.transparency_m) AS transparency_m,
    avg(r.algae_cells_l) AS algae_cells_l,
    count(*) AS readings
FROM v_water_readings AS r
WHERE r.lane = $1
    AND r.device_id IN (SELECT a.asset_id FROM v_assets AS a WHERE a.parent_kind = $2 AND a.parent_id = $3)
    AND r.observed_at >= $4
    AND r.observed_at < $5
    AND ($6::timestamptz IS NULL OR r.stored_at <= $6)
    AND r.quality = 'good'
GROUP BY 1
ORDER BY 1
