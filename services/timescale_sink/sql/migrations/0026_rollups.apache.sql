-- Apache edition: the hours of readings are kept in tables, `<feed>_hours`, as the community edition keeps them, and the sink folds
-- readings into them when an hour is over. The views answer from what is kept where that is what the readings say, and from
-- the readings where it is not, so an answer is the same whatever has been folded. See docs/decisions/0041.
--
--   before `closed_before`, no mark     what is kept is what the readings say; nothing kept: there were none
--   before `closed_before`, a mark      read from the readings until it is folded anew
--   from `closed_before` on             read from the readings; writing there makes no mark and costs nothing

CREATE TABLE rollup_progress (
    feed text PRIMARY KEY,
    closed_before timestamptz NOT NULL,
    settled_at xid8
);
COMMENT ON TABLE rollup_progress IS
    'Hours before `closed_before` are kept or marked. Whoever began before transaction `settled_at` may have written there without'
    ' a mark: nothing is folded until these have ended.';
INSERT INTO rollup_progress (feed, closed_before)
SELECT unnest(ARRAY['ev', 'water', 'parking', 'emergency', 'tax']), time_bucket('1 hour', now());

-- Never updated and without a unique key, so that nobody who writes readings waits for another one, or for the folding.
CREATE TABLE rollup_marks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed text NOT NULL,
    bucket timestamptz NOT NULL,
    was_dropped boolean NOT NULL
);
CREATE INDEX ON rollup_marks (feed, bucket);
COMMENT ON TABLE rollup_marks IS
    'Hours whose readings changed after they were closed: written in the transaction of the readings, removed in that which folds'
    ' them anew. Of those that retention once dropped, what is kept stands meanwhile.';

CREATE TABLE rollup_dropped (
    feed text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (feed, since)
);
COMMENT ON TABLE rollup_dropped IS
    'Spans whose readings went for their age. What comes there later is folded only where it is as many as what is kept knows.';

-- Neighbours together, so that what is asked of a long stale span is one scan.
CREATE VIEW rollup_spans AS
SELECT feed, min(bucket) AS since, max(bucket) + INTERVAL '1 hour' AS until, was_dropped
FROM (
    SELECT
        feed,
        bucket,
        was_dropped,
        bucket - dense_rank() OVER (PARTITION BY feed, was_dropped ORDER BY bucket) * INTERVAL '1 hour' AS island
    FROM rollup_marks
) AS m
GROUP BY feed, was_dropped, island
UNION ALL
SELECT feed, closed_before, 'infinity', FALSE
FROM rollup_progress;
COMMENT ON VIEW rollup_spans IS 'Where the readings are read instead of what is kept.';

-- After each statement that changes readings. What it reads is newer than the statement, and its transaction has a number by then,
-- which `settled_at` rests on; so who reads an older state may not write.
CREATE FUNCTION mark_hours() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before timestamptz;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'readings are written in transactions that are read committed'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'begin it with ISOLATION LEVEL READ COMMITTED';
    END IF;
    SELECT closed_before INTO STRICT before FROM public.rollup_progress WHERE feed = tg_argv[0];
    INSERT INTO public.rollup_marks (feed, bucket, was_dropped)
    SELECT
        tg_argv[0],
        bucket,
        EXISTS (
            SELECT FROM public.rollup_dropped AS d WHERE d.feed = tg_argv[0] AND d.since <= bucket AND bucket < d.until
        )
    FROM (
        SELECT DISTINCT public.time_bucket('1 hour', observed_at, "offset" => INTERVAL '-8 hours') AS bucket
        FROM touched
        WHERE observed_at < before
    ) AS t;
    RETURN NULL;
END
$$;

-- The index by day tells the planner how many hours a range of days holds, as in 0007: days in half the time.
CREATE TABLE ev_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    power_kw_n,
    power_kw_sum,
    power_kw_min,
    power_kw_max,
    idle_n,
    charging_n,
    plugged_n,
    fault_n,
    unusable_n,
    energy_register_kwh_min,
    energy_register_kwh_max
FROM v_ev_hours
WITH NO DATA;
ALTER TABLE ev_hours ADD PRIMARY KEY (lane, device_id, bucket, group_id);
SELECT create_hypertable('ev_hours', 'bucket', chunk_time_interval => INTERVAL '28 days');
CREATE INDEX ev_hours_by_day ON ev_hours USING brin (time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours'));
COMMENT ON TABLE ev_hours IS 'Readings of ev by hour, as the sink keeps them; see rollup_marks for those that are stale.';

CREATE VIEW ev_hours_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 hour', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(power_kw) AS power_kw_n,
        sum(power_kw) AS power_kw_sum,
        min(power_kw) AS power_kw_min,
        max(power_kw) AS power_kw_max,
        count(*) FILTER (WHERE status IN ('idle')) AS idle_n,
        count(*) FILTER (WHERE status IN ('charging')) AS charging_n,
        count(*) FILTER (WHERE status IN ('plugged')) AS plugged_n,
        count(*) FILTER (WHERE status IN ('fault')) AS fault_n,
        count(*) FILTER (WHERE status IN ('out_of_service', 'no_contact')) AS unusable_n,
        min(energy_register_kwh) AS energy_register_kwh_min,
        max(energy_register_kwh) AS energy_register_kwh_max
    FROM ev_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'ev';

CREATE OR REPLACE VIEW v_ev_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    power_kw_n,
    power_kw_sum,
    power_kw_min,
    power_kw_max,
    idle_n,
    charging_n,
    plugged_n,
    fault_n,
    unusable_n,
    energy_register_kwh_min,
    energy_register_kwh_max,
    power_kw_sum / nullif(power_kw_n, 0) AS power_kw_avg
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        power_kw_n,
        power_kw_sum,
        power_kw_min,
        power_kw_max,
        idle_n,
        charging_n,
        plugged_n,
        fault_n,
        unusable_n,
        energy_register_kwh_min,
        energy_register_kwh_max
    FROM ev_hours AS h
    WHERE NOT EXISTS (
        SELECT FROM rollup_marks AS m WHERE m.feed = 'ev' AND m.bucket = h.bucket AND NOT m.was_dropped
    )
    UNION ALL
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        power_kw_n,
        power_kw_sum,
        power_kw_min,
        power_kw_max,
        idle_n,
        charging_n,
        plugged_n,
        fault_n,
        unusable_n,
        energy_register_kwh_min,
        energy_register_kwh_max
    FROM ev_hours_raw
    WHERE NOT was_dropped
) AS by_bucket;

CREATE VIEW ev_days_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 day', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(power_kw) AS power_kw_n,
        sum(power_kw) AS power_kw_sum,
        min(power_kw) AS power_kw_min,
        max(power_kw) AS power_kw_max,
        count(*) FILTER (WHERE status IN ('idle')) AS idle_n,
        count(*) FILTER (WHERE status IN ('charging')) AS charging_n,
        count(*) FILTER (WHERE status IN ('plugged')) AS plugged_n,
        count(*) FILTER (WHERE status IN ('fault')) AS fault_n,
        count(*) FILTER (WHERE status IN ('out_of_service', 'no_contact')) AS unusable_n,
        min(energy_register_kwh) AS energy_register_kwh_min,
        max(energy_register_kwh) AS energy_register_kwh_max
    FROM ev_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'ev';

CREATE OR REPLACE VIEW v_ev_days AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    power_kw_n,
    power_kw_sum,
    power_kw_min,
    power_kw_max,
    idle_n,
    charging_n,
    plugged_n,
    fault_n,
    unusable_n,
    energy_register_kwh_min,
    energy_register_kwh_max,
    power_kw_sum / nullif(power_kw_n, 0) AS power_kw_avg
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        sum(n)::bigint AS n,
        sum(n_doubtful)::bigint AS n_doubtful,
        min(first_at) AS first_at,
        max(last_at) AS last_at,
        sum(power_kw_n)::bigint AS power_kw_n,
        sum(power_kw_sum) AS power_kw_sum,
        min(power_kw_min) AS power_kw_min,
        max(power_kw_max) AS power_kw_max,
        sum(idle_n)::bigint AS idle_n,
        sum(charging_n)::bigint AS charging_n,
        sum(plugged_n)::bigint AS plugged_n,
        sum(fault_n)::bigint AS fault_n,
        sum(unusable_n)::bigint AS unusable_n,
        min(energy_register_kwh_min) AS energy_register_kwh_min,
        max(energy_register_kwh_max) AS energy_register_kwh_max
    FROM (
        SELECT
            lane,
            group_id,
            device_id,
            time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            power_kw_n,
            power_kw_sum,
            power_kw_min,
            power_kw_max,
            idle_n,
            charging_n,
            plugged_n,
            fault_n,
            unusable_n,
            energy_register_kwh_min,
            energy_register_kwh_max
        FROM ev_hours AS h
        WHERE NOT EXISTS (
            SELECT FROM rollup_marks AS m WHERE m.feed = 'ev' AND m.bucket = h.bucket AND NOT m.was_dropped
        )
        UNION ALL
        SELECT
            lane,
            group_id,
            device_id,
            bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            power_kw_n,
            power_kw_sum,
            power_kw_min,
            power_kw_max,
            idle_n,
            charging_n,
            plugged_n,
            fault_n,
            unusable_n,
            energy_register_kwh_min,
            energy_register_kwh_max
        FROM ev_days_raw
        WHERE NOT was_dropped
    ) AS parts
    GROUP BY 1, 2, 3, 4
) AS by_bucket;

CREATE TRIGGER mark_new_hours AFTER INSERT ON ev_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('ev');
CREATE TRIGGER mark_old_hours AFTER DELETE ON ev_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('ev');
CREATE TRIGGER mark_hours_before AFTER UPDATE ON ev_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('ev');
CREATE TRIGGER mark_hours_after AFTER UPDATE ON ev_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('ev');

CREATE TABLE water_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    water_temp_c_n,
    water_temp_c_sum,
    water_temp_c_min,
    water_temp_c_max,
    ph_n,
    ph_sum,
    ph_min,
    ph_max,
    do_mg_l_n,
    do_mg_l_sum,
    do_mg_l_min,
    do_mg_l_max,
    conductivity_us_cm_n,
    conductivity_us_cm_sum,
    conductivity_us_cm_min,
    conductivity_us_cm_max,
    turbidity_ntu_n,
    turbidity_ntu_sum,
    turbidity_ntu_min,
    turbidity_ntu_max,
    codmn_mg_l_n,
    codmn_mg_l_sum,
    codmn_mg_l_min,
    codmn_mg_l_max,
    nh3n_mg_l_n,
    nh3n_mg_l_sum,
    nh3n_mg_l_min,
    nh3n_mg_l_max,
    tp_mg_l_n,
    tp_mg_l_sum,
    tp_mg_l_min,
    tp_mg_l_max,
    tn_mg_l_n,
    tn_mg_l_sum,
    tn_mg_l_min,
    tn_mg_l_max,
    chla_ug_l_n,
    chla_ug_l_sum,
    chla_ug_l_min,
    chla_ug_l_max,
    transparency_m_n,
    transparency_m_sum,
    transparency_m_min,
    transparency_m_max,
    algae_cells_l_n,
    algae_cells_l_sum,
    algae_cells_l_min,
    algae_cells_l_max
FROM v_water_hours
WITH NO DATA;
ALTER TABLE water_hours ADD PRIMARY KEY (lane, device_id, bucket, group_id);
SELECT create_hypertable('water_hours', 'bucket', chunk_time_interval => INTERVAL '28 days');
CREATE INDEX water_hours_by_day ON water_hours USING brin (time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours'));
COMMENT ON TABLE water_hours IS 'Readings of water by hour, as the sink keeps them; see rollup_marks for those that are stale.';

CREATE VIEW water_hours_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 hour', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_n,
        sum(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_sum,
        min(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_min,
        max(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_max,
        count(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_n,
        sum(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_sum,
        min(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_min,
        max(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_max,
        count(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_n,
        sum(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_sum,
        min(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_min,
        max(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_max,
        count(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_n,
        sum(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_sum,
        min(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_min,
        max(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_max,
        count(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_n,
        sum(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_sum,
        min(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_min,
        max(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_max,
        count(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_n,
        sum(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_sum,
        min(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_min,
        max(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_max,
        count(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_n,
        sum(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_sum,
        min(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_min,
        max(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_max,
        count(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_n,
        sum(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_sum,
        min(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_min,
        max(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_max,
        count(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_n,
        sum(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_sum,
        min(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_min,
        max(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_max,
        count(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_n,
        sum(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_sum,
        min(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_min,
        max(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_max,
        count(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_n,
        sum(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_sum,
        min(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_min,
        max(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_max,
        count(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_n,
        sum(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_sum,
        min(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_min,
        max(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_max
    FROM water_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'water';

CREATE OR REPLACE VIEW v_water_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    water_temp_c_n,
    water_temp_c_sum,
    water_temp_c_min,
    water_temp_c_max,
    ph_n,
    ph_sum,
    ph_min,
    ph_max,
    do_mg_l_n,
    do_mg_l_sum,
    do_mg_l_min,
    do_mg_l_max,
    conductivity_us_cm_n,
    conductivity_us_cm_sum,
    conductivity_us_cm_min,
    conductivity_us_cm_max,
    turbidity_ntu_n,
    turbidity_ntu_sum,
    turbidity_ntu_min,
    turbidity_ntu_max,
    codmn_mg_l_n,
    codmn_mg_l_sum,
    codmn_mg_l_min,
    codmn_mg_l_max,
    nh3n_mg_l_n,
    nh3n_mg_l_sum,
    nh3n_mg_l_min,
    nh3n_mg_l_max,
    tp_mg_l_n,
    tp_mg_l_sum,
    tp_mg_l_min,
    tp_mg_l_max,
    tn_mg_l_n,
    tn_mg_l_sum,
    tn_mg_l_min,
    tn_mg_l_max,
    chla_ug_l_n,
    chla_ug_l_sum,
    chla_ug_l_min,
    chla_ug_l_max,
    transparency_m_n,
    transparency_m_sum,
    transparency_m_min,
    transparency_m_max,
    algae_cells_l_n,
    algae_cells_l_sum,
    algae_cells_l_min,
    algae_cells_l_max,
    water_temp_c_sum / nullif(water_temp_c_n, 0) AS water_temp_c_avg,
    ph_sum / nullif(ph_n, 0) AS ph_avg,
    do_mg_l_sum / nullif(do_mg_l_n, 0) AS do_mg_l_avg,
    conductivity_us_cm_sum / nullif(conductivity_us_cm_n, 0) AS conductivity_us_cm_avg,
    turbidity_ntu_sum / nullif(turbidity_ntu_n, 0) AS turbidity_ntu_avg,
    codmn_mg_l_sum / nullif(codmn_mg_l_n, 0) AS codmn_mg_l_avg,
    nh3n_mg_l_sum / nullif(nh3n_mg_l_n, 0) AS nh3n_mg_l_avg,
    tp_mg_l_sum / nullif(tp_mg_l_n, 0) AS tp_mg_l_avg,
    tn_mg_l_sum / nullif(tn_mg_l_n, 0) AS tn_mg_l_avg,
    chla_ug_l_sum / nullif(chla_ug_l_n, 0) AS chla_ug_l_avg,
    transparency_m_sum / nullif(transparency_m_n, 0) AS transparency_m_avg,
    algae_cells_l_sum / nullif(algae_cells_l_n, 0) AS algae_cells_l_avg
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        water_temp_c_n,
        water_temp_c_sum,
        water_temp_c_min,
        water_temp_c_max,
        ph_n,
        ph_sum,
        ph_min,
        ph_max,
        do_mg_l_n,
        do_mg_l_sum,
        do_mg_l_min,
        do_mg_l_max,
        conductivity_us_cm_n,
        conductivity_us_cm_sum,
        conductivity_us_cm_min,
        conductivity_us_cm_max,
        turbidity_ntu_n,
        turbidity_ntu_sum,
        turbidity_ntu_min,
        turbidity_ntu_max,
        codmn_mg_l_n,
        codmn_mg_l_sum,
        codmn_mg_l_min,
        codmn_mg_l_max,
        nh3n_mg_l_n,
        nh3n_mg_l_sum,
        nh3n_mg_l_min,
        nh3n_mg_l_max,
        tp_mg_l_n,
        tp_mg_l_sum,
        tp_mg_l_min,
        tp_mg_l_max,
        tn_mg_l_n,
        tn_mg_l_sum,
        tn_mg_l_min,
        tn_mg_l_max,
        chla_ug_l_n,
        chla_ug_l_sum,
        chla_ug_l_min,
        chla_ug_l_max,
        transparency_m_n,
        transparency_m_sum,
        transparency_m_min,
        transparency_m_max,
        algae_cells_l_n,
        algae_cells_l_sum,
        algae_cells_l_min,
        algae_cells_l_max
    FROM water_hours AS h
    WHERE NOT EXISTS (
        SELECT FROM rollup_marks AS m WHERE m.feed = 'water' AND m.bucket = h.bucket AND NOT m.was_dropped
    )
    UNION ALL
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        water_temp_c_n,
        water_temp_c_sum,
        water_temp_c_min,
        water_temp_c_max,
        ph_n,
        ph_sum,
        ph_min,
        ph_max,
        do_mg_l_n,
        do_mg_l_sum,
        do_mg_l_min,
        do_mg_l_max,
        conductivity_us_cm_n,
        conductivity_us_cm_sum,
        conductivity_us_cm_min,
        conductivity_us_cm_max,
        turbidity_ntu_n,
        turbidity_ntu_sum,
        turbidity_ntu_min,
        turbidity_ntu_max,
        codmn_mg_l_n,
        codmn_mg_l_sum,
        codmn_mg_l_min,
        codmn_mg_l_max,
        nh3n_mg_l_n,
        nh3n_mg_l_sum,
        nh3n_mg_l_min,
        nh3n_mg_l_max,
        tp_mg_l_n,
        tp_mg_l_sum,
        tp_mg_l_min,
        tp_mg_l_max,
        tn_mg_l_n,
        tn_mg_l_sum,
        tn_mg_l_min,
        tn_mg_l_max,
        chla_ug_l_n,
        chla_ug_l_sum,
        chla_ug_l_min,
        chla_ug_l_max,
        transparency_m_n,
        transparency_m_sum,
        transparency_m_min,
        transparency_m_max,
        algae_cells_l_n,
        algae_cells_l_sum,
        algae_cells_l_min,
        algae_cells_l_max
    FROM water_hours_raw
    WHERE NOT was_dropped
) AS by_bucket;

CREATE VIEW water_days_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 day', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_n,
        sum(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_sum,
        min(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_min,
        max(water_temp_c) FILTER (WHERE quality IN ('good', 'manual')) AS water_temp_c_max,
        count(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_n,
        sum(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_sum,
        min(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_min,
        max(ph) FILTER (WHERE quality IN ('good', 'manual')) AS ph_max,
        count(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_n,
        sum(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_sum,
        min(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_min,
        max(do_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS do_mg_l_max,
        count(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_n,
        sum(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_sum,
        min(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_min,
        max(conductivity_us_cm) FILTER (WHERE quality IN ('good', 'manual')) AS conductivity_us_cm_max,
        count(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_n,
        sum(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_sum,
        min(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_min,
        max(turbidity_ntu) FILTER (WHERE quality IN ('good', 'manual')) AS turbidity_ntu_max,
        count(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_n,
        sum(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_sum,
        min(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_min,
        max(codmn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS codmn_mg_l_max,
        count(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_n,
        sum(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_sum,
        min(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_min,
        max(nh3n_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS nh3n_mg_l_max,
        count(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_n,
        sum(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_sum,
        min(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_min,
        max(tp_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tp_mg_l_max,
        count(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_n,
        sum(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_sum,
        min(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_min,
        max(tn_mg_l) FILTER (WHERE quality IN ('good', 'manual')) AS tn_mg_l_max,
        count(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_n,
        sum(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_sum,
        min(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_min,
        max(chla_ug_l) FILTER (WHERE quality IN ('good', 'manual')) AS chla_ug_l_max,
        count(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_n,
        sum(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_sum,
        min(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_min,
        max(transparency_m) FILTER (WHERE quality IN ('good', 'manual')) AS transparency_m_max,
        count(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_n,
        sum(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_sum,
        min(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_min,
        max(algae_cells_l) FILTER (WHERE quality IN ('good', 'manual')) AS algae_cells_l_max
    FROM water_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'water';

CREATE OR REPLACE VIEW v_water_days AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    water_temp_c_n,
    water_temp_c_sum,
    water_temp_c_min,
    water_temp_c_max,
    ph_n,
    ph_sum,
    ph_min,
    ph_max,
    do_mg_l_n,
    do_mg_l_sum,
    do_mg_l_min,
    do_mg_l_max,
    conductivity_us_cm_n,
    conductivity_us_cm_sum,
    conductivity_us_cm_min,
    conductivity_us_cm_max,
    turbidity_ntu_n,
    turbidity_ntu_sum,
    turbidity_ntu_min,
    turbidity_ntu_max,
    codmn_mg_l_n,
    codmn_mg_l_sum,
    codmn_mg_l_min,
    codmn_mg_l_max,
    nh3n_mg_l_n,
    nh3n_mg_l_sum,
    nh3n_mg_l_min,
    nh3n_mg_l_max,
    tp_mg_l_n,
    tp_mg_l_sum,
    tp_mg_l_min,
    tp_mg_l_max,
    tn_mg_l_n,
    tn_mg_l_sum,
    tn_mg_l_min,
    tn_mg_l_max,
    chla_ug_l_n,
    chla_ug_l_sum,
    chla_ug_l_min,
    chla_ug_l_max,
    transparency_m_n,
    transparency_m_sum,
    transparency_m_min,
    transparency_m_max,
    algae_cells_l_n,
    algae_cells_l_sum,
    algae_cells_l_min,
    algae_cells_l_max,
    water_temp_c_sum / nullif(water_temp_c_n, 0) AS water_temp_c_avg,
    ph_sum / nullif(ph_n, 0) AS ph_avg,
    do_mg_l_sum / nullif(do_mg_l_n, 0) AS do_mg_l_avg,
    conductivity_us_cm_sum / nullif(conductivity_us_cm_n, 0) AS conductivity_us_cm_avg,
    turbidity_ntu_sum / nullif(turbidity_ntu_n, 0) AS turbidity_ntu_avg,
    codmn_mg_l_sum / nullif(codmn_mg_l_n, 0) AS codmn_mg_l_avg,
    nh3n_mg_l_sum / nullif(nh3n_mg_l_n, 0) AS nh3n_mg_l_avg,
    tp_mg_l_sum / nullif(tp_mg_l_n, 0) AS tp_mg_l_avg,
    tn_mg_l_sum / nullif(tn_mg_l_n, 0) AS tn_mg_l_avg,
    chla_ug_l_sum / nullif(chla_ug_l_n, 0) AS chla_ug_l_avg,
    transparency_m_sum / nullif(transparency_m_n, 0) AS transparency_m_avg,
    algae_cells_l_sum / nullif(algae_cells_l_n, 0) AS algae_cells_l_avg
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        sum(n)::bigint AS n,
        sum(n_doubtful)::bigint AS n_doubtful,
        min(first_at) AS first_at,
        max(last_at) AS last_at,
        sum(water_temp_c_n)::bigint AS water_temp_c_n,
        sum(water_temp_c_sum) AS water_temp_c_sum,
        min(water_temp_c_min) AS water_temp_c_min,
        max(water_temp_c_max) AS water_temp_c_max,
        sum(ph_n)::bigint AS ph_n,
        sum(ph_sum) AS ph_sum,
        min(ph_min) AS ph_min,
        max(ph_max) AS ph_max,
        sum(do_mg_l_n)::bigint AS do_mg_l_n,
        sum(do_mg_l_sum) AS do_mg_l_sum,
        min(do_mg_l_min) AS do_mg_l_min,
        max(do_mg_l_max) AS do_mg_l_max,
        sum(conductivity_us_cm_n)::bigint AS conductivity_us_cm_n,
        sum(conductivity_us_cm_sum) AS conductivity_us_cm_sum,
        min(conductivity_us_cm_min) AS conductivity_us_cm_min,
        max(conductivity_us_cm_max) AS conductivity_us_cm_max,
        sum(turbidity_ntu_n)::bigint AS turbidity_ntu_n,
        sum(turbidity_ntu_sum) AS turbidity_ntu_sum,
        min(turbidity_ntu_min) AS turbidity_ntu_min,
        max(turbidity_ntu_max) AS turbidity_ntu_max,
        sum(codmn_mg_l_n)::bigint AS codmn_mg_l_n,
        sum(codmn_mg_l_sum) AS codmn_mg_l_sum,
        min(codmn_mg_l_min) AS codmn_mg_l_min,
        max(codmn_mg_l_max) AS codmn_mg_l_max,
        sum(nh3n_mg_l_n)::bigint AS nh3n_mg_l_n,
        sum(nh3n_mg_l_sum) AS nh3n_mg_l_sum,
        min(nh3n_mg_l_min) AS nh3n_mg_l_min,
        max(nh3n_mg_l_max) AS nh3n_mg_l_max,
        sum(tp_mg_l_n)::bigint AS tp_mg_l_n,
        sum(tp_mg_l_sum) AS tp_mg_l_sum,
        min(tp_mg_l_min) AS tp_mg_l_min,
        max(tp_mg_l_max) AS tp_mg_l_max,
        sum(tn_mg_l_n)::bigint AS tn_mg_l_n,
        sum(tn_mg_l_sum) AS tn_mg_l_sum,
        min(tn_mg_l_min) AS tn_mg_l_min,
        max(tn_mg_l_max) AS tn_mg_l_max,
        sum(chla_ug_l_n)::bigint AS chla_ug_l_n,
        sum(chla_ug_l_sum) AS chla_ug_l_sum,
        min(chla_ug_l_min) AS chla_ug_l_min,
        max(chla_ug_l_max) AS chla_ug_l_max,
        sum(transparency_m_n)::bigint AS transparency_m_n,
        sum(transparency_m_sum) AS transparency_m_sum,
        min(transparency_m_min) AS transparency_m_min,
        max(transparency_m_max) AS transparency_m_max,
        sum(algae_cells_l_n)::bigint AS algae_cells_l_n,
        sum(algae_cells_l_sum) AS algae_cells_l_sum,
        min(algae_cells_l_min) AS algae_cells_l_min,
        max(algae_cells_l_max) AS algae_cells_l_max
    FROM (
        SELECT
            lane,
            group_id,
            device_id,
            time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            water_temp_c_n,
            water_temp_c_sum,
            water_temp_c_min,
            water_temp_c_max,
            ph_n,
            ph_sum,
            ph_min,
            ph_max,
            do_mg_l_n,
            do_mg_l_sum,
            do_mg_l_min,
            do_mg_l_max,
            conductivity_us_cm_n,
            conductivity_us_cm_sum,
            conductivity_us_cm_min,
            conductivity_us_cm_max,
            turbidity_ntu_n,
            turbidity_ntu_sum,
            turbidity_ntu_min,
            turbidity_ntu_max,
            codmn_mg_l_n,
            codmn_mg_l_sum,
            codmn_mg_l_min,
            codmn_mg_l_max,
            nh3n_mg_l_n,
            nh3n_mg_l_sum,
            nh3n_mg_l_min,
            nh3n_mg_l_max,
            tp_mg_l_n,
            tp_mg_l_sum,
            tp_mg_l_min,
            tp_mg_l_max,
            tn_mg_l_n,
            tn_mg_l_sum,
            tn_mg_l_min,
            tn_mg_l_max,
            chla_ug_l_n,
            chla_ug_l_sum,
            chla_ug_l_min,
            chla_ug_l_max,
            transparency_m_n,
            transparency_m_sum,
            transparency_m_min,
            transparency_m_max,
            algae_cells_l_n,
            algae_cells_l_sum,
            algae_cells_l_min,
            algae_cells_l_max
        FROM water_hours AS h
        WHERE NOT EXISTS (
            SELECT FROM rollup_marks AS m WHERE m.feed = 'water' AND m.bucket = h.bucket AND NOT m.was_dropped
        )
        UNION ALL
        SELECT
            lane,
            group_id,
            device_id,
            bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            water_temp_c_n,
            water_temp_c_sum,
            water_temp_c_min,
            water_temp_c_max,
            ph_n,
            ph_sum,
            ph_min,
            ph_max,
            do_mg_l_n,
            do_mg_l_sum,
            do_mg_l_min,
            do_mg_l_max,
            conductivity_us_cm_n,
            conductivity_us_cm_sum,
            conductivity_us_cm_min,
            conductivity_us_cm_max,
            turbidity_ntu_n,
            turbidity_ntu_sum,
            turbidity_ntu_min,
            turbidity_ntu_max,
            codmn_mg_l_n,
            codmn_mg_l_sum,
            codmn_mg_l_min,
            codmn_mg_l_max,
            nh3n_mg_l_n,
            nh3n_mg_l_sum,
            nh3n_mg_l_min,
            nh3n_mg_l_max,
            tp_mg_l_n,
            tp_mg_l_sum,
            tp_mg_l_min,
            tp_mg_l_max,
            tn_mg_l_n,
            tn_mg_l_sum,
            tn_mg_l_min,
            tn_mg_l_max,
            chla_ug_l_n,
            chla_ug_l_sum,
            chla_ug_l_min,
            chla_ug_l_max,
            transparency_m_n,
            transparency_m_sum,
            transparency_m_min,
            transparency_m_max,
            algae_cells_l_n,
            algae_cells_l_sum,
            algae_cells_l_min,
            algae_cells_l_max
        FROM water_days_raw
        WHERE NOT was_dropped
    ) AS parts
    GROUP BY 1, 2, 3, 4
) AS by_bucket;

CREATE TRIGGER mark_new_hours AFTER INSERT ON water_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('water');
CREATE TRIGGER mark_old_hours AFTER DELETE ON water_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('water');
CREATE TRIGGER mark_hours_before AFTER UPDATE ON water_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('water');
CREATE TRIGGER mark_hours_after AFTER UPDATE ON water_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('water');

CREATE TABLE parking_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    counted_n,
    occupied_sum,
    usable_sum,
    free_spaces_sum,
    free_spaces_min,
    free_spaces_max,
    entries_total_min,
    entries_total_max,
    exits_total_min,
    exits_total_max
FROM v_parking_hours
WITH NO DATA;
ALTER TABLE parking_hours ADD PRIMARY KEY (lane, device_id, bucket, group_id);
SELECT create_hypertable('parking_hours', 'bucket', chunk_time_interval => INTERVAL '28 days');
CREATE INDEX parking_hours_by_day ON parking_hours USING brin (time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours'));
COMMENT ON TABLE parking_hours IS 'Readings of parking by hour, as the sink keeps them; see rollup_marks for those that are stale.';

CREATE VIEW parking_hours_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 hour', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(*) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces) AS counted_n,
        (sum(total_spaces - out_of_service_spaces - free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces))::double precision AS occupied_sum,
        (sum(total_spaces - out_of_service_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces))::double precision AS usable_sum,
        (sum(free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces))::double precision AS free_spaces_sum,
        min(free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces) AS free_spaces_min,
        max(free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces) AS free_spaces_max,
        min(entries_total) AS entries_total_min,
        max(entries_total) AS entries_total_max,
        min(exits_total) AS exits_total_min,
        max(exits_total) AS exits_total_max
    FROM parking_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'parking';

CREATE OR REPLACE VIEW v_parking_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    counted_n,
    occupied_sum,
    usable_sum,
    free_spaces_sum,
    free_spaces_min,
    free_spaces_max,
    entries_total_min,
    entries_total_max,
    exits_total_min,
    exits_total_max,
    occupied_sum / nullif(usable_sum, 0) AS occupancy,
    free_spaces_sum / nullif(counted_n, 0) AS free_spaces_avg
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        counted_n,
        occupied_sum,
        usable_sum,
        free_spaces_sum,
        free_spaces_min,
        free_spaces_max,
        entries_total_min,
        entries_total_max,
        exits_total_min,
        exits_total_max
    FROM parking_hours AS h
    WHERE NOT EXISTS (
        SELECT FROM rollup_marks AS m WHERE m.feed = 'parking' AND m.bucket = h.bucket AND NOT m.was_dropped
    )
    UNION ALL
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        counted_n,
        occupied_sum,
        usable_sum,
        free_spaces_sum,
        free_spaces_min,
        free_spaces_max,
        entries_total_min,
        entries_total_max,
        exits_total_min,
        exits_total_max
    FROM parking_hours_raw
    WHERE NOT was_dropped
) AS by_bucket;

CREATE VIEW parking_days_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 day', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(*) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces) AS counted_n,
        (sum(total_spaces - out_of_service_spaces - free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces))::double precision AS occupied_sum,
        (sum(total_spaces - out_of_service_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces))::double precision AS usable_sum,
        (sum(free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces))::double precision AS free_spaces_sum,
        min(free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces) AS free_spaces_min,
        max(free_spaces) FILTER (WHERE free_spaces BETWEEN 0 AND total_spaces) AS free_spaces_max,
        min(entries_total) AS entries_total_min,
        max(entries_total) AS entries_total_max,
        min(exits_total) AS exits_total_min,
        max(exits_total) AS exits_total_max
    FROM parking_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'parking';

CREATE OR REPLACE VIEW v_parking_days AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    counted_n,
    occupied_sum,
    usable_sum,
    free_spaces_sum,
    free_spaces_min,
    free_spaces_max,
    entries_total_min,
    entries_total_max,
    exits_total_min,
    exits_total_max,
    occupied_sum / nullif(usable_sum, 0) AS occupancy,
    free_spaces_sum / nullif(counted_n, 0) AS free_spaces_avg
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        sum(n)::bigint AS n,
        sum(n_doubtful)::bigint AS n_doubtful,
        min(first_at) AS first_at,
        max(last_at) AS last_at,
        sum(counted_n)::bigint AS counted_n,
        sum(occupied_sum) AS occupied_sum,
        sum(usable_sum) AS usable_sum,
        sum(free_spaces_sum) AS free_spaces_sum,
        min(free_spaces_min) AS free_spaces_min,
        max(free_spaces_max) AS free_spaces_max,
        min(entries_total_min) AS entries_total_min,
        max(entries_total_max) AS entries_total_max,
        min(exits_total_min) AS exits_total_min,
        max(exits_total_max) AS exits_total_max
    FROM (
        SELECT
            lane,
            group_id,
            device_id,
            time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            counted_n,
            occupied_sum,
            usable_sum,
            free_spaces_sum,
            free_spaces_min,
            free_spaces_max,
            entries_total_min,
            entries_total_max,
            exits_total_min,
            exits_total_max
        FROM parking_hours AS h
        WHERE NOT EXISTS (
            SELECT FROM rollup_marks AS m WHERE m.feed = 'parking' AND m.bucket = h.bucket AND NOT m.was_dropped
        )
        UNION ALL
        SELECT
            lane,
            group_id,
            device_id,
            bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            counted_n,
            occupied_sum,
            usable_sum,
            free_spaces_sum,
            free_spaces_min,
            free_spaces_max,
            entries_total_min,
            entries_total_max,
            exits_total_min,
            exits_total_max
        FROM parking_days_raw
        WHERE NOT was_dropped
    ) AS parts
    GROUP BY 1, 2, 3, 4
) AS by_bucket;

CREATE TRIGGER mark_new_hours AFTER INSERT ON parking_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('parking');
CREATE TRIGGER mark_old_hours AFTER DELETE ON parking_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('parking');
CREATE TRIGGER mark_hours_before AFTER UPDATE ON parking_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('parking');
CREATE TRIGGER mark_hours_after AFTER UPDATE ON parking_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('parking');

CREATE TABLE emergency_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    unit_n,
    available_n,
    busy_n,
    out_of_service_n,
    calls_n
FROM v_emergency_hours
WITH NO DATA;
ALTER TABLE emergency_hours ADD PRIMARY KEY (lane, device_id, bucket, group_id);
SELECT create_hypertable('emergency_hours', 'bucket', chunk_time_interval => INTERVAL '28 days');
CREATE INDEX emergency_hours_by_day ON emergency_hours USING brin (time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours'));
COMMENT ON TABLE emergency_hours IS 'Readings of emergency by hour, as the sink keeps them; see rollup_marks for those that are stale.';

CREATE VIEW emergency_hours_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 hour', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(unit_state) AS unit_n,
        count(*) FILTER (WHERE unit_state IN ('available')) AS available_n,
        count(*) FILTER (WHERE unit_state IN ('dispatched', 'responding', 'on_scene', 'transporting', 'at_hospital')) AS busy_n,
        count(*) FILTER (WHERE unit_state IN ('out_of_service')) AS out_of_service_n,
        count(*) FILTER (WHERE step = 'call_received') AS calls_n
    FROM emergency_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'emergency';

CREATE OR REPLACE VIEW v_emergency_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    unit_n,
    available_n,
    busy_n,
    out_of_service_n,
    calls_n
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        unit_n,
        available_n,
        busy_n,
        out_of_service_n,
        calls_n
    FROM emergency_hours AS h
    WHERE NOT EXISTS (
        SELECT FROM rollup_marks AS m WHERE m.feed = 'emergency' AND m.bucket = h.bucket AND NOT m.was_dropped
    )
    UNION ALL
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        unit_n,
        available_n,
        busy_n,
        out_of_service_n,
        calls_n
    FROM emergency_hours_raw
    WHERE NOT was_dropped
) AS by_bucket;

CREATE VIEW emergency_days_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 day', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        count(unit_state) AS unit_n,
        count(*) FILTER (WHERE unit_state IN ('available')) AS available_n,
        count(*) FILTER (WHERE unit_state IN ('dispatched', 'responding', 'on_scene', 'transporting', 'at_hospital')) AS busy_n,
        count(*) FILTER (WHERE unit_state IN ('out_of_service')) AS out_of_service_n,
        count(*) FILTER (WHERE step = 'call_received') AS calls_n
    FROM emergency_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'emergency';

CREATE OR REPLACE VIEW v_emergency_days AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    unit_n,
    available_n,
    busy_n,
    out_of_service_n,
    calls_n
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        sum(n)::bigint AS n,
        sum(n_doubtful)::bigint AS n_doubtful,
        min(first_at) AS first_at,
        max(last_at) AS last_at,
        sum(unit_n)::bigint AS unit_n,
        sum(available_n)::bigint AS available_n,
        sum(busy_n)::bigint AS busy_n,
        sum(out_of_service_n)::bigint AS out_of_service_n,
        sum(calls_n)::bigint AS calls_n
    FROM (
        SELECT
            lane,
            group_id,
            device_id,
            time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            unit_n,
            available_n,
            busy_n,
            out_of_service_n,
            calls_n
        FROM emergency_hours AS h
        WHERE NOT EXISTS (
            SELECT FROM rollup_marks AS m WHERE m.feed = 'emergency' AND m.bucket = h.bucket AND NOT m.was_dropped
        )
        UNION ALL
        SELECT
            lane,
            group_id,
            device_id,
            bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            unit_n,
            available_n,
            busy_n,
            out_of_service_n,
            calls_n
        FROM emergency_days_raw
        WHERE NOT was_dropped
    ) AS parts
    GROUP BY 1, 2, 3, 4
) AS by_bucket;

CREATE TRIGGER mark_new_hours AFTER INSERT ON emergency_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('emergency');
CREATE TRIGGER mark_old_hours AFTER DELETE ON emergency_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('emergency');
CREATE TRIGGER mark_hours_before AFTER UPDATE ON emergency_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('emergency');
CREATE TRIGGER mark_hours_after AFTER UPDATE ON emergency_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('emergency');

CREATE TABLE tax_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    amount_cny_sum,
    payments_n,
    refunds_n,
    refunded_cny_sum
FROM v_tax_hours
WITH NO DATA;
ALTER TABLE tax_hours ADD PRIMARY KEY (lane, device_id, bucket, group_id);
SELECT create_hypertable('tax_hours', 'bucket', chunk_time_interval => INTERVAL '28 days');
CREATE INDEX tax_hours_by_day ON tax_hours USING brin (time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours'));
COMMENT ON TABLE tax_hours IS 'Readings of tax by hour, as the sink keeps them; see rollup_marks for those that are stale.';

CREATE VIEW tax_hours_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 hour', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        sum(amount_cny) AS amount_cny_sum,
        count(*) FILTER (WHERE entry = 'payment') AS payments_n,
        count(*) FILTER (WHERE entry = 'refund') AS refunds_n,
        sum(amount_cny) FILTER (WHERE entry = 'refund') AS refunded_cny_sum
    FROM tax_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'tax';

CREATE OR REPLACE VIEW v_tax_hours AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    amount_cny_sum,
    payments_n,
    refunds_n,
    refunded_cny_sum
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        amount_cny_sum,
        payments_n,
        refunds_n,
        refunded_cny_sum
    FROM tax_hours AS h
    WHERE NOT EXISTS (
        SELECT FROM rollup_marks AS m WHERE m.feed = 'tax' AND m.bucket = h.bucket AND NOT m.was_dropped
    )
    UNION ALL
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        n,
        n_doubtful,
        first_at,
        last_at,
        amount_cny_sum,
        payments_n,
        refunds_n,
        refunded_cny_sum
    FROM tax_hours_raw
    WHERE NOT was_dropped
) AS by_bucket;

CREATE VIEW tax_days_raw AS
SELECT r.*, s.was_dropped
FROM rollup_spans AS s
CROSS JOIN LATERAL (
    SELECT
        lane,
        group_id,
        device_id,
        time_bucket('1 day', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
        count(*) AS n,
        count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
        min(observed_at) AS first_at,
        max(observed_at) AS last_at,
        sum(amount_cny) AS amount_cny_sum,
        count(*) FILTER (WHERE entry = 'payment') AS payments_n,
        count(*) FILTER (WHERE entry = 'refund') AS refunds_n,
        sum(amount_cny) FILTER (WHERE entry = 'refund') AS refunded_cny_sum
    FROM tax_readings
    WHERE observed_at >= s.since AND observed_at < s.until
    GROUP BY 1, 2, 3, 4
) AS r
WHERE s.feed = 'tax';

CREATE OR REPLACE VIEW v_tax_days AS
SELECT
    lane,
    group_id,
    device_id,
    bucket,
    n,
    n_doubtful,
    first_at,
    last_at,
    amount_cny_sum,
    payments_n,
    refunds_n,
    refunded_cny_sum
FROM (
    SELECT
        lane,
        group_id,
        device_id,
        bucket,
        sum(n)::bigint AS n,
        sum(n_doubtful)::bigint AS n_doubtful,
        min(first_at) AS first_at,
        max(last_at) AS last_at,
        sum(amount_cny_sum) AS amount_cny_sum,
        sum(payments_n)::bigint AS payments_n,
        sum(refunds_n)::bigint AS refunds_n,
        sum(refunded_cny_sum) AS refunded_cny_sum
    FROM (
        SELECT
            lane,
            group_id,
            device_id,
            time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            amount_cny_sum,
            payments_n,
            refunds_n,
            refunded_cny_sum
        FROM tax_hours AS h
        WHERE NOT EXISTS (
            SELECT FROM rollup_marks AS m WHERE m.feed = 'tax' AND m.bucket = h.bucket AND NOT m.was_dropped
        )
        UNION ALL
        SELECT
            lane,
            group_id,
            device_id,
            bucket,
            n,
            n_doubtful,
            first_at,
            last_at,
            amount_cny_sum,
            payments_n,
            refunds_n,
            refunded_cny_sum
        FROM tax_days_raw
        WHERE NOT was_dropped
    ) AS parts
    GROUP BY 1, 2, 3, 4
) AS by_bucket;

CREATE TRIGGER mark_new_hours AFTER INSERT ON tax_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('tax');
CREATE TRIGGER mark_old_hours AFTER DELETE ON tax_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('tax');
CREATE TRIGGER mark_hours_before AFTER UPDATE ON tax_readings
REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('tax');
CREATE TRIGGER mark_hours_after AFTER UPDATE ON tax_readings
REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION mark_hours('tax');

-- What was there before: whole chunks, since that is known without reading them; empty hours fold to nothing.
INSERT INTO rollup_marks (feed, bucket, was_dropped)
SELECT p.feed, b, FALSE
FROM rollup_progress AS p
JOIN timescaledb_information.chunks AS c ON c.hypertable_schema = 'public' AND c.hypertable_name = p.feed || '_readings'
CROSS JOIN LATERAL generate_series(c.range_start, least(c.range_end, p.closed_before) - INTERVAL '1 hour', INTERVAL '1 hour') AS b;

-- Close hours up to a moment, each with a mark; they are folded once everybody knows that they are closed.
CREATE FUNCTION close_hours(wanted text, moment timestamptz) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO public.rollup_marks (feed, bucket, was_dropped)
    SELECT p.feed, b, FALSE
    FROM public.rollup_progress AS p
    CROSS JOIN LATERAL generate_series(p.closed_before, moment - INTERVAL '1 hour', INTERVAL '1 hour') AS b
    WHERE p.feed = wanted;
    UPDATE public.rollup_progress SET closed_before = moment, settled_at = NULL WHERE feed = wanted AND closed_before < moment;
$$;

-- Fold marked hours of a span anew, at most so many, the newest first; returns how many. The caller holds the row of
-- `rollup_progress`. Marks are read first and those alone are removed: who writes meanwhile leaves one that stays.
CREATE FUNCTION fold_marked(wanted text, since timestamptz, until timestamptz, most integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    marks bigint[];
    hours timestamptz[];
    columns text;
    changes text;
    within text;
BEGIN
    SELECT array_agg(m.id), array_agg(DISTINCT m.bucket) INTO marks, hours
    FROM public.rollup_marks AS m
    WHERE m.feed = wanted AND m.bucket >= since AND m.bucket < until AND m.bucket >= (
        SELECT min(newest.bucket) FROM (
            SELECT DISTINCT n.bucket FROM public.rollup_marks AS n
            WHERE n.feed = wanted AND n.bucket >= since AND n.bucket < until
            ORDER BY n.bucket DESC LIMIT most
        ) AS newest
    );
    IF hours IS NULL THEN
        RETURN 0;
    END IF;
    SELECT
        string_agg(quote_ident(attname), ', ' ORDER BY attnum),
        string_agg(format('%1$I = excluded.%1$I', attname), ', ')
            FILTER (WHERE attname NOT IN ('lane', 'group_id', 'device_id', 'bucket'))
    INTO columns, changes
    FROM pg_attribute
    WHERE attrelid = format('public.%I', wanted || '_hours')::regclass AND attnum > 0 AND NOT attisdropped;
    -- The bounds stand in the text: the planner opens their chunks alone.
    within := format('bucket >= %L AND bucket <= %L AND bucket = ANY ($1)', hours[1], hours[cardinality(hours)]);
    EXECUTE format(
        'DELETE FROM public.%I AS h WHERE %s AND EXISTS ('
        ' SELECT FROM public.rollup_marks AS m WHERE m.feed = $2 AND m.bucket = h.bucket AND NOT m.was_dropped)',
        wanted || '_hours', within
    ) USING hours, wanted;
    EXECUTE format(
        'INSERT INTO public.%1$I AS h (%2$s) SELECT %2$s FROM public.%3$I WHERE %4$s'
        ' ON CONFLICT (lane, device_id, bucket, group_id) DO UPDATE SET %5$s WHERE h.n <= excluded.n',
        wanted || '_hours', columns, wanted || '_hours_raw', within, changes
    ) USING hours;
    DELETE FROM public.rollup_marks WHERE id = ANY (marks);
    RETURN cardinality(hours);
END
$$;

-- One bounded turn of the sink: close hours that have been over for a while, or fold some. Returns how many were folded;
-- null: nothing to do just now.
CREATE FUNCTION fold_hours(wanted text, most integer, moment timestamptz DEFAULT now()) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    progress record;
    closing timestamptz := public.time_bucket('1 hour', moment - INTERVAL '15 minutes');
    newest timestamptz;
BEGIN
    PERFORM FROM public.rollup_progress WHERE feed = wanted FOR UPDATE SKIP LOCKED;
    IF NOT found THEN
        RETURN NULL;
    END IF;
    SELECT * INTO progress FROM public.rollup_progress WHERE feed = wanted;
    IF progress.closed_before < closing THEN
        PERFORM public.close_hours(wanted, closing);
        RETURN 0;
    END IF;
    IF progress.settled_at IS NULL THEN
        UPDATE public.rollup_progress SET settled_at = pg_snapshot_xmax(pg_current_snapshot()) WHERE feed = wanted;
        RETURN 0;
    END IF;
    SELECT max(bucket) INTO newest FROM public.rollup_marks WHERE feed = wanted AND bucket < progress.closed_before;
    IF newest IS NULL OR pg_snapshot_xmin(pg_current_snapshot()) < progress.settled_at THEN
        RETURN NULL;
    END IF;
    RETURN public.fold_marked(wanted, newest - INTERVAL '7 days', newest + INTERVAL '1 hour', most);
END
$$;

-- What is kept goes by its own age, and readings are folded before they go: what is kept of them then stays as it is.
CREATE OR REPLACE FUNCTION expired_chunks(moment timestamptz)
RETURNS TABLE (relation text, chunk text, range_start timestamptz, range_end timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.hypertable_name::text, format('%I.%I', c.chunk_schema, c.chunk_name), c.range_start, c.range_end
    FROM (VALUES
        ('ev_readings', 'raw'), ('water_readings', 'raw'), ('parking_readings', 'raw'),
        ('emergency_readings', 'raw'), ('tax_readings', 'raw'), ('dead_letters', 'letters'),
        ('ev_hours', 'hours'), ('water_hours', 'hours'), ('parking_hours', 'hours'),
        ('emergency_hours', 'hours'), ('tax_hours', 'hours')
    ) AS h (name, what)
    JOIN storage_ages AS a USING (what)
    JOIN timescaledb_information.chunks AS c ON c.hypertable_schema = 'public' AND c.hypertable_name = h.name
    WHERE greatest(c.range_end, c.chunk_creation_time) < moment - make_interval(months => a.months)
$$;

-- As before, and: the row of `rollup_progress` is taken in front of the chunks, in the order of who folds; readings are folded
-- under the lock of their chunk, where nobody writes.
CREATE OR REPLACE FUNCTION drop_expired_chunks(moment timestamptz, most integer) RETURNS TABLE (relation text, chunk text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    chosen record;
    each record;
BEGIN
    SELECT array_agg(e) AS chunks INTO chosen FROM (
        SELECT * FROM expired_chunks(moment) AS e ORDER BY e.range_end, e.chunk LIMIT most
    ) AS e;
    IF chosen.chunks IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM rollup_progress WHERE feed IN (
        SELECT split_part(e.relation, '_', 1)
        FROM unnest(chosen.chunks) AS e (relation text, chunk text, since timestamptz, until timestamptz)
    ) ORDER BY feed FOR UPDATE;
    FOR each IN SELECT * FROM unnest(chosen.chunks) AS e (relation text, chunk text, since timestamptz, until timestamptz) LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', each.chunk);
    END LOOP;
    FOR each IN SELECT * FROM unnest(chosen.chunks) AS e (relation text, chunk text, since timestamptz, until timestamptz) LOOP
        IF each.relation LIKE '%\_readings' THEN
            PERFORM close_hours(split_part(each.relation, '_', 1), each.until);
            PERFORM fold_marked(split_part(each.relation, '_', 1), each.since, each.until, 1000);
            INSERT INTO rollup_dropped (feed, since, until)
            VALUES (split_part(each.relation, '_', 1), each.since, each.until) ON CONFLICT DO NOTHING;
        END IF;
        IF each.relation NOT LIKE '%\_hours' THEN
            PERFORM forget_numbers(each.relation, each.chunk::regclass);
        END IF;
        RETURN QUERY
        SELECT each.relation, dropped::text
        FROM drop_chunks(format('public.%I', each.relation)::regclass, older_than => each.until, newer_than => each.since)
            AS dropped;
    END LOOP;
    DELETE FROM reading_ledger AS l
    USING (
        SELECT e.feed, e.lane, e.device_id, e.boot_id, e.segment
        FROM reading_ledger AS e
        WHERE isempty(e.stored) AND NOT EXISTS (
            SELECT FROM reading_ledger AS o
            WHERE (o.feed, o.lane, o.device_id, o.boot_id) = (e.feed, e.lane, e.device_id, e.boot_id)
                AND NOT isempty(o.stored)
        )
        ORDER BY e.feed, e.lane, e.device_id, e.boot_id, e.segment
        FOR UPDATE OF e
    ) AS e
    WHERE (l.feed, l.lane, l.device_id, l.boot_id, l.segment) = (e.feed, e.lane, e.device_id, e.boot_id, e.segment);
END
$$;
