-- Community edition: readings by minute, hour and local day (fixed +08:00), each level from the one below it, real-time.
-- A zone's name is never used for buckets: a known fault corrupts such rollups. Policies stand in `policies.py`, since ages are
-- a setting.
-- Columnstore: a segment a lane and device, newest first, so that a device's history is read from few batches.

ALTER TABLE indicators SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, id, subject',
    timescaledb.compress_orderby = 'period_start DESC, period_end, sample_device_id, sample_boot_id, sample_seq'
);
ALTER TABLE indicator_history SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, id, subject',
    timescaledb.compress_orderby = 'period_start DESC, period_end, revision'
);

ALTER TABLE ev_readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, device_id',
    timescaledb.compress_orderby = 'observed_at DESC'
);

CREATE MATERIALIZED VIEW ev_minutes
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 minute', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
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
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON ev_minutes (lane, device_id, bucket DESC);

CREATE VIEW v_ev_minutes AS
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
FROM ev_minutes;

CREATE MATERIALIZED VIEW ev_hours
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 hour', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
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
FROM ev_minutes
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON ev_hours (lane, device_id, bucket DESC);

CREATE VIEW v_ev_hours AS
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
FROM ev_hours;

CREATE MATERIALIZED VIEW ev_days
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
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
FROM ev_hours
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON ev_days (lane, device_id, bucket DESC);

CREATE VIEW v_ev_days AS
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
FROM ev_days;

ALTER TABLE water_readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, device_id',
    timescaledb.compress_orderby = 'observed_at DESC'
);

CREATE MATERIALIZED VIEW water_minutes
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 minute', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
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
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON water_minutes (lane, device_id, bucket DESC);

CREATE VIEW v_water_minutes AS
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
FROM water_minutes;

CREATE MATERIALIZED VIEW water_hours
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 hour', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
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
FROM water_minutes
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON water_hours (lane, device_id, bucket DESC);

CREATE VIEW v_water_hours AS
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
FROM water_hours;

CREATE MATERIALIZED VIEW water_days
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
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
FROM water_hours
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON water_days (lane, device_id, bucket DESC);

CREATE VIEW v_water_days AS
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
FROM water_days;

ALTER TABLE parking_readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, device_id',
    timescaledb.compress_orderby = 'observed_at DESC'
);

CREATE MATERIALIZED VIEW parking_minutes
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 minute', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
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
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON parking_minutes (lane, device_id, bucket DESC);

CREATE VIEW v_parking_minutes AS
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
FROM parking_minutes;

CREATE MATERIALIZED VIEW parking_hours
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 hour', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
    sum(n)::bigint AS n,
    sum(n_doubtful)::bigint AS n_doubtful,
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    sum(counted_n)::bigint AS counted_n,
    sum(occupied_sum)::double precision AS occupied_sum,
    sum(usable_sum)::double precision AS usable_sum,
    sum(free_spaces_sum)::double precision AS free_spaces_sum,
    min(free_spaces_min) AS free_spaces_min,
    max(free_spaces_max) AS free_spaces_max,
    min(entries_total_min) AS entries_total_min,
    max(entries_total_max) AS entries_total_max,
    min(exits_total_min) AS exits_total_min,
    max(exits_total_max) AS exits_total_max
FROM parking_minutes
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON parking_hours (lane, device_id, bucket DESC);

CREATE VIEW v_parking_hours AS
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
FROM parking_hours;

CREATE MATERIALIZED VIEW parking_days
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
    sum(n)::bigint AS n,
    sum(n_doubtful)::bigint AS n_doubtful,
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    sum(counted_n)::bigint AS counted_n,
    sum(occupied_sum)::double precision AS occupied_sum,
    sum(usable_sum)::double precision AS usable_sum,
    sum(free_spaces_sum)::double precision AS free_spaces_sum,
    min(free_spaces_min) AS free_spaces_min,
    max(free_spaces_max) AS free_spaces_max,
    min(entries_total_min) AS entries_total_min,
    max(entries_total_max) AS entries_total_max,
    min(exits_total_min) AS exits_total_min,
    max(exits_total_max) AS exits_total_max
FROM parking_hours
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON parking_days (lane, device_id, bucket DESC);

CREATE VIEW v_parking_days AS
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
FROM parking_days;

ALTER TABLE emergency_readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, device_id',
    timescaledb.compress_orderby = 'observed_at DESC'
);

CREATE MATERIALIZED VIEW emergency_minutes
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 minute', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
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
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON emergency_minutes (lane, device_id, bucket DESC);

CREATE VIEW v_emergency_minutes AS
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
FROM emergency_minutes;

CREATE MATERIALIZED VIEW emergency_hours
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 hour', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
    sum(n)::bigint AS n,
    sum(n_doubtful)::bigint AS n_doubtful,
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    sum(unit_n)::bigint AS unit_n,
    sum(available_n)::bigint AS available_n,
    sum(busy_n)::bigint AS busy_n,
    sum(out_of_service_n)::bigint AS out_of_service_n,
    sum(calls_n)::bigint AS calls_n
FROM emergency_minutes
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON emergency_hours (lane, device_id, bucket DESC);

CREATE VIEW v_emergency_hours AS
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
FROM emergency_hours;

CREATE MATERIALIZED VIEW emergency_days
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
    sum(n)::bigint AS n,
    sum(n_doubtful)::bigint AS n_doubtful,
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    sum(unit_n)::bigint AS unit_n,
    sum(available_n)::bigint AS available_n,
    sum(busy_n)::bigint AS busy_n,
    sum(out_of_service_n)::bigint AS out_of_service_n,
    sum(calls_n)::bigint AS calls_n
FROM emergency_hours
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON emergency_days (lane, device_id, bucket DESC);

CREATE VIEW v_emergency_days AS
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
FROM emergency_days;

ALTER TABLE tax_readings SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'lane, device_id',
    timescaledb.compress_orderby = 'observed_at DESC'
);

CREATE MATERIALIZED VIEW tax_minutes
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 minute', observed_at, "offset" => INTERVAL '-8 hours') AS bucket,
    count(*) AS n,
    count(*) FILTER (WHERE quality <> 'good' OR cardinality(quality_codes) > 0) AS n_doubtful,
    min(observed_at) AS first_at,
    max(observed_at) AS last_at,
    sum(amount_cny) AS amount_cny_sum,
    count(*) FILTER (WHERE entry = 'payment') AS payments_n,
    count(*) FILTER (WHERE entry = 'refund') AS refunds_n,
    sum(amount_cny) FILTER (WHERE entry = 'refund') AS refunded_cny_sum
FROM tax_readings
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON tax_minutes (lane, device_id, bucket DESC);

CREATE VIEW v_tax_minutes AS
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
FROM tax_minutes;

CREATE MATERIALIZED VIEW tax_hours
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 hour', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
    sum(n)::bigint AS n,
    sum(n_doubtful)::bigint AS n_doubtful,
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    sum(amount_cny_sum) AS amount_cny_sum,
    sum(payments_n)::bigint AS payments_n,
    sum(refunds_n)::bigint AS refunds_n,
    sum(refunded_cny_sum) AS refunded_cny_sum
FROM tax_minutes
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON tax_hours (lane, device_id, bucket DESC);

CREATE VIEW v_tax_hours AS
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
FROM tax_hours;

CREATE MATERIALIZED VIEW tax_days
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE, timescaledb.create_group_indexes = FALSE) AS
SELECT
    lane,
    group_id,
    device_id,
    time_bucket('1 day', bucket, "offset" => INTERVAL '-8 hours') AS bucket,
    sum(n)::bigint AS n,
    sum(n_doubtful)::bigint AS n_doubtful,
    min(first_at) AS first_at,
    max(last_at) AS last_at,
    sum(amount_cny_sum) AS amount_cny_sum,
    sum(payments_n)::bigint AS payments_n,
    sum(refunds_n)::bigint AS refunds_n,
    sum(refunded_cny_sum) AS refunded_cny_sum
FROM tax_hours
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE INDEX ON tax_days (lane, device_id, bucket DESC);

CREATE VIEW v_tax_days AS
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
FROM tax_days;
