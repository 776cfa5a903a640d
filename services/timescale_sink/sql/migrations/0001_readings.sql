-- One hypertable a feed. The columns are the fields of the feed's reading (a test compares them), then where the
-- record stands in Kafka. The key holds the event time because a hypertable's unique index must.
-- Chunks of 7 days: at the design load some 4 million rows each, so the indexes of the current one stay in memory,
-- and a replay of a year of history opens about fifty of them, not hundreds.

CREATE TABLE ev_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    quality text NOT NULL,
    quality_codes text[] NOT NULL,
    lane text NOT NULL,
    context text NOT NULL,
    status text NOT NULL,
    status_vocabulary text,
    status_word text,
    error_code text NOT NULL,
    rated_power_kw double precision,
    power_kw double precision,
    energy_register_kwh double precision,
    session_id text,
    session_energy_kwh double precision,
    voltage_v double precision,
    current_a double precision,
    soc_percent double precision,
    site_name text,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    PRIMARY KEY (device_id, boot_id, seq, observed_at)
);
SELECT create_hypertable('ev_readings', 'observed_at', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE);
CREATE INDEX ev_readings_by_device ON ev_readings (lane, device_id, observed_at DESC);

CREATE TABLE water_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    quality text NOT NULL,
    quality_codes text[] NOT NULL,
    lane text NOT NULL,
    water_body text NOT NULL,
    station_name text,
    water_temp_c double precision,
    ph double precision,
    do_mg_l double precision,
    conductivity_us_cm double precision,
    turbidity_ntu double precision,
    codmn_mg_l double precision,
    nh3n_mg_l double precision,
    tp_mg_l double precision,
    tn_mg_l double precision,
    chla_ug_l double precision,
    transparency_m double precision,
    algae_cells_l double precision,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    PRIMARY KEY (device_id, boot_id, seq, observed_at)
);
SELECT create_hypertable('water_readings', 'observed_at', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE);
CREATE INDEX water_readings_by_device ON water_readings (lane, device_id, observed_at DESC);

CREATE TABLE parking_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    quality text NOT NULL,
    quality_codes text[] NOT NULL,
    lane text NOT NULL,
    lot_name text,
    total_spaces integer NOT NULL,
    free_spaces integer NOT NULL,
    out_of_service_spaces integer NOT NULL,
    entries_total bigint,
    exits_total bigint,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    PRIMARY KEY (device_id, boot_id, seq, observed_at)
);
SELECT create_hypertable('parking_readings', 'observed_at', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE);
CREATE INDEX parking_readings_by_device ON parking_readings (lane, device_id, observed_at DESC);

CREATE TABLE emergency_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    quality text NOT NULL,
    quality_codes text[] NOT NULL,
    lane text NOT NULL,
    incident_id text,
    unit_id text,
    unit_type text,
    unit_state text,
    step text,
    call_type text,
    priority text,
    street text,
    longitude double precision,
    latitude double precision,
    call_received_at timestamptz,
    call_entered_at timestamptz,
    dispatched_at timestamptz,
    responding_at timestamptz,
    on_scene_at timestamptz,
    at_patient_at timestamptz,
    transporting_at timestamptz,
    at_hospital_at timestamptz,
    handed_over_at timestamptz,
    available_at timestamptz,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    PRIMARY KEY (device_id, boot_id, seq, observed_at)
);
SELECT create_hypertable('emergency_readings', 'observed_at', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE);
CREATE INDEX emergency_readings_by_device ON emergency_readings (lane, device_id, observed_at DESC);

CREATE TABLE tax_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    quality text NOT NULL,
    quality_codes text[] NOT NULL,
    lane text NOT NULL,
    building_id text NOT NULL,
    building_name text,
    receipt_id text NOT NULL,
    entry text NOT NULL,
    tax_kind text NOT NULL,
    tax_period text NOT NULL,
    amount_cny numeric(16,2) NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    PRIMARY KEY (device_id, boot_id, seq, observed_at)
);
SELECT create_hypertable('tax_readings', 'observed_at', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE);
CREATE INDEX tax_readings_by_device ON tax_readings (lane, device_id, observed_at DESC);
