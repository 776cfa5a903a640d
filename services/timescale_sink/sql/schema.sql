-- The schema that the migrations make on the Apache edition. Made by `make schema`; compared in CI.

CREATE TABLE alert_actions (
    action_id text NOT NULL,
    kind text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    by text NOT NULL,
    by_name text NOT NULL,
    lane text NOT NULL,
    asset text NOT NULL,
    alert_id text,
    alert_revision integer,
    rule text,
    feed text,
    place text,
    zone text,
    severity text,
    raised_at timestamp with time zone,
    seen integer,
    assignee text,
    scope text,
    until timestamp with time zone,
    words text NOT NULL,
    fate text NOT NULL,
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    said_at timestamp with time zone
);

CREATE TABLE alert_deliveries (
    event_id text NOT NULL,
    subscriber text NOT NULL,
    attempt integer NOT NULL,
    alert_id text,
    lane text NOT NULL,
    outcome text NOT NULL,
    http_status integer,
    at timestamp with time zone NOT NULL,
    seconds double precision NOT NULL,
    detail text NOT NULL DEFAULT ''::text,
    event text NOT NULL,
    feed text,
    asset text NOT NULL,
    redelivery boolean NOT NULL,
    waited_seconds double precision NOT NULL,
    next_at timestamp with time zone,
    event_topic text NOT NULL,
    event_partition integer NOT NULL,
    event_offset bigint NOT NULL,
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE alert_events (
    event_id text NOT NULL,
    alert_id text NOT NULL,
    revision integer NOT NULL,
    event text NOT NULL,
    lane text NOT NULL,
    data jsonb NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE alerts (
    alert_id text NOT NULL,
    revision integer NOT NULL,
    event text NOT NULL,
    rule text NOT NULL,
    feed text NOT NULL,
    lane text NOT NULL,
    asset text NOT NULL,
    place text NOT NULL,
    severity text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    observed_value double precision,
    observed_unit text NOT NULL,
    threshold jsonb NOT NULL,
    evidence jsonb,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    superseded_by text,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    limits jsonb NOT NULL DEFAULT '[]'::jsonb,
    suppression jsonb,
    members jsonb NOT NULL DEFAULT '[]'::jsonb
);

CREATE TABLE assets (
    kind text NOT NULL,
    asset_id text NOT NULL,
    feed text,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    parent_kind text,
    parent_id text,
    zone text,
    longitude double precision NOT NULL,
    latitude double precision NOT NULL,
    approximate boolean NOT NULL,
    capacity double precision,
    capacity_unit text,
    limit_value double precision,
    limit_unit text,
    is_device boolean NOT NULL,
    registered_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    retired_at timestamp with time zone
);

CREATE TABLE dead_letters (
    received_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    mqtt_topic text,
    mqtt_properties text,
    kafka_topic text,
    kafka_partition integer,
    kafka_offset bigint,
    feed text,
    lane text,
    group_id text,
    device_id text,
    boot_id text,
    seq bigint,
    element integer,
    payload bytea NOT NULL,
    dl_partition integer NOT NULL,
    dl_offset bigint NOT NULL
);

CREATE TABLE device_floods (
    feed text NOT NULL,
    device_id text NOT NULL,
    began_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    refused bigint NOT NULL,
    noticed_at timestamp with time zone NOT NULL DEFAULT now(),
    ended_at timestamp with time zone,
    told smallint NOT NULL DEFAULT 0
);

CREATE TABLE devices (
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL DEFAULT now(),
    last_seen_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE emergency_hours (
    lane text NOT NULL,
    group_id text NOT NULL,
    device_id text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    n bigint,
    n_doubtful bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    unit_n bigint,
    available_n bigint,
    busy_n bigint,
    out_of_service_n bigint,
    calls_n bigint
);

CREATE TABLE emergency_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
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
    call_received_at timestamp with time zone,
    call_entered_at timestamp with time zone,
    dispatched_at timestamp with time zone,
    responding_at timestamp with time zone,
    on_scene_at timestamp with time zone,
    at_patient_at timestamp with time zone,
    transporting_at timestamp with time zone,
    at_hospital_at timestamp with time zone,
    handed_over_at timestamp with time zone,
    available_at timestamp with time zone,
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
);

CREATE TABLE ev_hours (
    lane text NOT NULL,
    group_id text NOT NULL,
    device_id text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    n bigint,
    n_doubtful bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    power_kw_n bigint,
    power_kw_sum double precision,
    power_kw_min double precision,
    power_kw_max double precision,
    idle_n bigint,
    charging_n bigint,
    plugged_n bigint,
    fault_n bigint,
    unusable_n bigint,
    energy_register_kwh_min double precision,
    energy_register_kwh_max double precision
);

CREATE TABLE ev_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
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
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
);

CREATE TABLE imports (
    source text NOT NULL,
    part_start bigint NOT NULL,
    part_end bigint NOT NULL,
    file text NOT NULL,
    feed text NOT NULL,
    next_at bigint NOT NULL,
    lines bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    earliest timestamp with time zone,
    latest timestamp with time zone,
    updated_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE indicator_history (
    lane text NOT NULL,
    id text NOT NULL,
    feed text NOT NULL,
    subject text NOT NULL,
    subject_name text,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    known_at timestamp with time zone,
    value double precision,
    unit text NOT NULL,
    status text NOT NULL,
    status_reason text NOT NULL,
    n integer NOT NULL,
    completeness double precision NOT NULL,
    threshold jsonb,
    details jsonb NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    status_reason_zh text
);

CREATE TABLE indicators (
    lane text NOT NULL,
    id text NOT NULL,
    feed text NOT NULL,
    subject text NOT NULL,
    subject_name text,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    value double precision,
    unit text NOT NULL,
    status text NOT NULL,
    status_reason text NOT NULL,
    n integer NOT NULL,
    completeness double precision NOT NULL,
    threshold jsonb,
    revision integer NOT NULL,
    sample_device_id text NOT NULL DEFAULT ''::text,
    sample_boot_id text NOT NULL DEFAULT ''::text,
    sample_seq bigint NOT NULL DEFAULT '-1'::integer,
    sample_quality text,
    details jsonb NOT NULL,
    evidence jsonb,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    known_at timestamp with time zone,
    status_reason_zh text
);

CREATE TABLE intake_minutes (
    minute timestamp with time zone NOT NULL,
    feed text NOT NULL,
    readings bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead_lettered bigint NOT NULL DEFAULT 0,
    live bigint NOT NULL DEFAULT 0,
    arrival_s_sum double precision NOT NULL DEFAULT 0,
    arrival_s_max double precision NOT NULL DEFAULT 0,
    storing_s_sum double precision NOT NULL DEFAULT 0,
    storing_s_max double precision NOT NULL DEFAULT 0
);

CREATE TABLE ledger_backlog (
    feed text NOT NULL,
    chunk text NOT NULL
);

CREATE TABLE log_gaps (
    cluster_id text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    before_offset bigint NOT NULL,
    why text NOT NULL,
    since timestamp with time zone,
    until timestamp with time zone,
    noticed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    told integer NOT NULL DEFAULT 0
);

CREATE TABLE parking_hours (
    lane text NOT NULL,
    group_id text NOT NULL,
    device_id text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    n bigint,
    n_doubtful bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    counted_n bigint,
    occupied_sum double precision,
    usable_sum double precision,
    free_spaces_sum double precision,
    free_spaces_min integer,
    free_spaces_max integer,
    entries_total_min bigint,
    entries_total_max bigint,
    exits_total_min bigint,
    exits_total_max bigint
);

CREATE TABLE parking_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    quality text NOT NULL,
    quality_codes text[] NOT NULL,
    lane text NOT NULL,
    lot_name text,
    total_spaces integer NOT NULL,
    free_spaces integer NOT NULL,
    out_of_service_spaces integer NOT NULL,
    entries_total bigint,
    exits_total bigint,
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
);

CREATE TABLE plan_versions (
    kind text NOT NULL,
    document_id text NOT NULL,
    version text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    origin text NOT NULL,
    published_at timestamp with time zone NOT NULL,
    published_by text NOT NULL,
    text_sha256 text NOT NULL,
    document jsonb NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE reading_ledger (
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    boot_id text NOT NULL,
    segment bigint NOT NULL,
    stored int8multirange NOT NULL DEFAULT '{}'::int8multirange,
    gone int8multirange NOT NULL DEFAULT '{}'::int8multirange
);

CREATE TABLE reading_repeats (
    hour timestamp with time zone NOT NULL,
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    n bigint NOT NULL
);

CREATE TABLE readings_missing (
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    boot_id text NOT NULL,
    noticed_at timestamp with time zone NOT NULL DEFAULT now(),
    numbers int8multirange NOT NULL,
    ended_at timestamp with time zone,
    acknowledged_by text,
    told smallint NOT NULL DEFAULT 0
);

CREATE TABLE rollup_dropped (
    feed text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE rollup_marks (
    id bigint NOT NULL,
    feed text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    was_dropped boolean NOT NULL
);

CREATE TABLE rollup_progress (
    feed text NOT NULL,
    closed_before timestamp with time zone NOT NULL,
    settled_at xid8
);

CREATE TABLE schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE sink_progress (
    cluster_id text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    readings bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead_lettered bigint NOT NULL DEFAULT 0,
    ticks bigint NOT NULL DEFAULT 0,
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    end_offset bigint,
    last_timestamp bigint,
    proof_offset bigint,
    proof_timestamp bigint
);

CREATE TABLE storage_ages (
    what text NOT NULL,
    months integer NOT NULL
);

CREATE TABLE target_figures (
    figure_id text NOT NULL,
    target_id text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    revision integer NOT NULL,
    corrects text,
    value double precision NOT NULL,
    unit text NOT NULL,
    recorded_on date NOT NULL,
    source_title text NOT NULL,
    source_number text NOT NULL,
    source_page integer,
    source_sha256 text,
    note text NOT NULL,
    plan_id text NOT NULL,
    plan_version text NOT NULL,
    entered_by text NOT NULL,
    entered_by_name text NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    confirmed_by text,
    confirmed_by_name text,
    confirmed_at timestamp with time zone,
    kafka_offset bigint NOT NULL
);

CREATE TABLE target_standings (
    id text NOT NULL,
    subject text NOT NULL,
    plan_id text NOT NULL,
    plan_version text NOT NULL,
    day date NOT NULL,
    holds text,
    standing text NOT NULL,
    reason_zh text NOT NULL,
    reason_en text NOT NULL,
    value double precision,
    value_on date,
    expected double precision,
    expected_then double precision,
    rate_needed double precision,
    path jsonb NOT NULL DEFAULT '[]'::jsonb
);

CREATE TABLE tax_hours (
    lane text NOT NULL,
    group_id text NOT NULL,
    device_id text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    n bigint,
    n_doubtful bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    amount_cny_sum numeric,
    payments_n bigint,
    refunds_n bigint,
    refunded_cny_sum numeric
);

CREATE TABLE tax_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
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
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
);

CREATE TABLE water_hours (
    lane text NOT NULL,
    group_id text NOT NULL,
    device_id text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    n bigint,
    n_doubtful bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    water_temp_c_n bigint,
    water_temp_c_sum double precision,
    water_temp_c_min double precision,
    water_temp_c_max double precision,
    ph_n bigint,
    ph_sum double precision,
    ph_min double precision,
    ph_max double precision,
    do_mg_l_n bigint,
    do_mg_l_sum double precision,
    do_mg_l_min double precision,
    do_mg_l_max double precision,
    conductivity_us_cm_n bigint,
    conductivity_us_cm_sum double precision,
    conductivity_us_cm_min double precision,
    conductivity_us_cm_max double precision,
    turbidity_ntu_n bigint,
    turbidity_ntu_sum double precision,
    turbidity_ntu_min double precision,
    turbidity_ntu_max double precision,
    codmn_mg_l_n bigint,
    codmn_mg_l_sum double precision,
    codmn_mg_l_min double precision,
    codmn_mg_l_max double precision,
    nh3n_mg_l_n bigint,
    nh3n_mg_l_sum double precision,
    nh3n_mg_l_min double precision,
    nh3n_mg_l_max double precision,
    tp_mg_l_n bigint,
    tp_mg_l_sum double precision,
    tp_mg_l_min double precision,
    tp_mg_l_max double precision,
    tn_mg_l_n bigint,
    tn_mg_l_sum double precision,
    tn_mg_l_min double precision,
    tn_mg_l_max double precision,
    chla_ug_l_n bigint,
    chla_ug_l_sum double precision,
    chla_ug_l_min double precision,
    chla_ug_l_max double precision,
    transparency_m_n bigint,
    transparency_m_sum double precision,
    transparency_m_min double precision,
    transparency_m_max double precision,
    algae_cells_l_n bigint,
    algae_cells_l_sum double precision,
    algae_cells_l_min double precision,
    algae_cells_l_max double precision
);

CREATE TABLE water_readings (
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    seq bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
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
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL
);

CREATE TABLE words (
    kind text NOT NULL,
    code text NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL
);

ALTER TABLE alert_actions ADD CONSTRAINT alert_actions_fate_check CHECK ((fate = ANY (ARRAY['counts'::text, 'repeated'::text, 'overtaken'::text, 'too_many'::text])));
ALTER TABLE alert_actions ADD CONSTRAINT alert_actions_identity UNIQUE NULLS NOT DISTINCT (action_id, alert_id);
ALTER TABLE alert_deliveries ADD CONSTRAINT alert_deliveries_attempt_check CHECK ((attempt > 0));
ALTER TABLE alert_deliveries ADD CONSTRAINT alert_deliveries_outcome_check CHECK ((outcome = ANY (ARRAY['delivered'::text, 'failed'::text, 'refused'::text, 'withheld'::text, 'given_up'::text])));
ALTER TABLE alert_deliveries ADD CONSTRAINT alert_deliveries_pkey PRIMARY KEY (event_id, subscriber, attempt, at, outcome);
ALTER TABLE alert_events ADD CONSTRAINT alert_events_pkey PRIMARY KEY (event_id);
ALTER TABLE alerts ADD CONSTRAINT alerts_pkey PRIMARY KEY (alert_id);
ALTER TABLE assets ADD CONSTRAINT assets_check CHECK (((parent_kind IS NULL) = (parent_id IS NULL)));
ALTER TABLE assets ADD CONSTRAINT assets_check1 CHECK (((capacity IS NULL) = (capacity_unit IS NULL)));
ALTER TABLE assets ADD CONSTRAINT assets_check2 CHECK (((limit_value IS NULL) = (limit_unit IS NULL)));
ALTER TABLE assets ADD CONSTRAINT assets_feed_check CHECK ((feed = ANY (ARRAY['ev'::text, 'water'::text, 'parking'::text, 'emergency'::text, 'tax'::text])));
ALTER TABLE assets ADD CONSTRAINT assets_kind_check CHECK ((kind = ANY (ARRAY['district'::text, 'street'::text, 'zone'::text, 'lake'::text, 'station'::text, 'site'::text, 'connector'::text, 'lot'::text, 'dispatch'::text, 'post'::text, 'unit'::text, 'building'::text, 'office'::text, 'cell'::text])));
ALTER TABLE assets ADD CONSTRAINT assets_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision)));
ALTER TABLE assets ADD CONSTRAINT assets_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision)));
ALTER TABLE assets ADD CONSTRAINT assets_pkey PRIMARY KEY (kind, asset_id);
ALTER TABLE dead_letters ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (received_at, dl_partition, dl_offset);
ALTER TABLE device_floods ADD CONSTRAINT device_floods_pkey PRIMARY KEY (feed, device_id, began_at);
ALTER TABLE devices ADD CONSTRAINT devices_pkey PRIMARY KEY (feed, lane, device_id);
ALTER TABLE emergency_hours ADD CONSTRAINT emergency_hours_pkey PRIMARY KEY (lane, device_id, bucket, group_id);
ALTER TABLE emergency_readings ADD CONSTRAINT emergency_readings_pkey PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE ev_hours ADD CONSTRAINT ev_hours_pkey PRIMARY KEY (lane, device_id, bucket, group_id);
ALTER TABLE ev_readings ADD CONSTRAINT ev_readings_pkey PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE imports ADD CONSTRAINT imports_check CHECK ((lines = ((stored + duplicates) + refused)));
ALTER TABLE imports ADD CONSTRAINT imports_check1 CHECK (((next_at >= part_start) AND (next_at <= part_end)));
ALTER TABLE imports ADD CONSTRAINT imports_pkey PRIMARY KEY (source, part_start);
ALTER TABLE indicator_history ADD CONSTRAINT indicator_history_pkey PRIMARY KEY (lane, id, subject, period_start, period_end, revision);
ALTER TABLE indicators ADD CONSTRAINT indicators_pkey PRIMARY KEY (lane, id, subject, period_start, period_end, sample_device_id, sample_boot_id, sample_seq);
ALTER TABLE intake_minutes ADD CONSTRAINT intake_minutes_check CHECK ((readings = ((stored + duplicates) + dead_lettered)));
ALTER TABLE intake_minutes ADD CONSTRAINT intake_minutes_pkey PRIMARY KEY (minute, feed);
ALTER TABLE ledger_backlog ADD CONSTRAINT ledger_backlog_pkey PRIMARY KEY (chunk);
ALTER TABLE log_gaps ADD CONSTRAINT log_gaps_check CHECK ((first_offset < before_offset));
ALTER TABLE log_gaps ADD CONSTRAINT log_gaps_pkey PRIMARY KEY (cluster_id, topic, partition, noticed_at, first_offset);
ALTER TABLE log_gaps ADD CONSTRAINT log_gaps_why_check CHECK ((why = ANY (ARRAY['removed'::text, 'made_anew'::text])));
ALTER TABLE parking_hours ADD CONSTRAINT parking_hours_pkey PRIMARY KEY (lane, device_id, bucket, group_id);
ALTER TABLE parking_readings ADD CONSTRAINT parking_readings_pkey PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE plan_versions ADD CONSTRAINT plan_versions_kind_check CHECK ((kind = ANY (ARRAY['plan'::text, 'standard'::text, 'policy'::text])));
ALTER TABLE plan_versions ADD CONSTRAINT plan_versions_origin_check CHECK ((origin = ANY (ARRAY['file'::text, 'published'::text])));
ALTER TABLE plan_versions ADD CONSTRAINT plan_versions_pkey PRIMARY KEY (kind, document_id, version, published_at);
ALTER TABLE reading_ledger ADD CONSTRAINT reading_ledger_pkey PRIMARY KEY (feed, lane, device_id, boot_id, segment);
ALTER TABLE reading_repeats ADD CONSTRAINT reading_repeats_pkey PRIMARY KEY (hour, feed, lane, device_id);
ALTER TABLE readings_missing ADD CONSTRAINT readings_missing_pkey PRIMARY KEY (feed, lane, device_id, boot_id, noticed_at);
ALTER TABLE rollup_dropped ADD CONSTRAINT rollup_dropped_pkey PRIMARY KEY (feed, since);
ALTER TABLE rollup_marks ADD CONSTRAINT rollup_marks_pkey PRIMARY KEY (id);
ALTER TABLE rollup_progress ADD CONSTRAINT rollup_progress_pkey PRIMARY KEY (feed);
ALTER TABLE schema_migrations ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);
ALTER TABLE sink_progress ADD CONSTRAINT sink_progress_check CHECK ((readings = ((stored + duplicates) + dead_lettered)));
ALTER TABLE sink_progress ADD CONSTRAINT sink_progress_pkey PRIMARY KEY (cluster_id, topic, partition);
ALTER TABLE storage_ages ADD CONSTRAINT storage_ages_months_check CHECK ((months > 0));
ALTER TABLE storage_ages ADD CONSTRAINT storage_ages_pkey PRIMARY KEY (what);
ALTER TABLE storage_ages ADD CONSTRAINT storage_ages_what_check CHECK ((what = ANY (ARRAY['raw'::text, 'minutes'::text, 'hours'::text, 'days'::text, 'letters'::text])));
ALTER TABLE target_figures ADD CONSTRAINT target_figures_check CHECK ((confirmed_by <> entered_by));
ALTER TABLE target_figures ADD CONSTRAINT target_figures_pkey PRIMARY KEY (figure_id);
ALTER TABLE target_figures ADD CONSTRAINT target_figures_target_id_period_start_period_end_revision_key UNIQUE (target_id, period_start, period_end, revision);
ALTER TABLE target_standings ADD CONSTRAINT target_standings_pkey PRIMARY KEY (id, subject);
ALTER TABLE tax_hours ADD CONSTRAINT tax_hours_pkey PRIMARY KEY (lane, device_id, bucket, group_id);
ALTER TABLE tax_readings ADD CONSTRAINT tax_readings_pkey PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE water_hours ADD CONSTRAINT water_hours_pkey PRIMARY KEY (lane, device_id, bucket, group_id);
ALTER TABLE water_readings ADD CONSTRAINT water_readings_pkey PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE words ADD CONSTRAINT words_pkey PRIMARY KEY (kind, code);

CREATE INDEX alert_actions_by_alert ON public.alert_actions USING btree (alert_id, at);
CREATE INDEX alert_actions_by_time ON public.alert_actions USING btree (at);
CREATE INDEX alert_deliveries_by_subscriber ON public.alert_deliveries USING btree (subscriber, at);
CREATE INDEX alert_deliveries_by_time ON public.alert_deliveries USING btree (at);
CREATE INDEX alert_events_by_alert ON public.alert_events USING btree (alert_id, revision);
CREATE INDEX alert_events_by_time ON public.alert_events USING btree (stored_at);
CREATE INDEX alerts_by_asset ON public.alerts USING btree (asset, started_at DESC);
CREATE INDEX alerts_by_time ON public.alerts USING btree (lane, started_at DESC);
CREATE INDEX alerts_open ON public.alerts USING btree (lane, rule, asset, started_at, alert_id) WHERE ((ended_at IS NULL) AND (event <> 'retracted'::text));
CREATE INDEX alerts_superseded ON public.alerts USING btree (superseded_by) WHERE (superseded_by IS NOT NULL);
CREATE INDEX assets_by_id ON public.assets USING btree (asset_id);
CREATE INDEX dead_letters_by_device ON public.dead_letters USING btree (boot_id, device_id, seq);
CREATE INDEX dead_letters_received_at_idx ON public.dead_letters USING btree (received_at DESC);
CREATE INDEX dead_letters_too_fast ON public.dead_letters USING btree (feed, device_id, received_at) WHERE (reason = 'too_fast'::text);
CREATE INDEX device_floods_open ON public.device_floods USING btree (feed, device_id) WHERE ((ended_at IS NULL) OR (told < 3));
CREATE INDEX emergency_hours_bucket_idx ON public.emergency_hours USING btree (bucket DESC);
CREATE INDEX emergency_hours_by_day ON public.emergency_hours USING brin (time_bucket('1 day'::interval, bucket, "offset" => '-08:00:00'::interval));
CREATE INDEX emergency_readings_by_device ON public.emergency_readings USING btree (lane, device_id, observed_at DESC);
CREATE INDEX emergency_readings_by_hour ON public.emergency_readings USING brin (time_bucket('01:00:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX emergency_readings_by_minute ON public.emergency_readings USING brin (time_bucket('00:01:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX emergency_readings_by_time ON public.emergency_readings USING brin (observed_at);
CREATE INDEX ev_hours_bucket_idx ON public.ev_hours USING btree (bucket DESC);
CREATE INDEX ev_hours_by_day ON public.ev_hours USING brin (time_bucket('1 day'::interval, bucket, "offset" => '-08:00:00'::interval));
CREATE INDEX ev_readings_by_device ON public.ev_readings USING btree (lane, device_id, observed_at DESC);
CREATE INDEX ev_readings_by_hour ON public.ev_readings USING brin (time_bucket('01:00:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX ev_readings_by_minute ON public.ev_readings USING brin (time_bucket('00:01:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX ev_readings_by_time ON public.ev_readings USING brin (observed_at);
CREATE INDEX ev_readings_faults ON public.ev_readings USING btree (observed_at) WHERE (status = 'fault'::text);
CREATE INDEX indicator_history_of_long_periods ON public.indicator_history USING btree (lane, id, subject, period_end DESC, period_start) WHERE ((period_end - period_start) > '20 days'::interval);
CREATE INDEX indicators_by_id ON public.indicators USING btree (lane, id, subject, period_start DESC, period_end DESC);
CREATE INDEX indicators_of_long_periods ON public.indicators USING btree (lane, id, subject, period_end DESC, period_start) WHERE ((sample_seq = '-1'::integer) AND ((period_end - period_start) > '20 days'::interval));
CREATE INDEX log_gaps_open ON public.log_gaps USING btree (topic, partition) WHERE ((acknowledged_at IS NULL) OR (told < 2));
CREATE INDEX parking_hours_bucket_idx ON public.parking_hours USING btree (bucket DESC);
CREATE INDEX parking_hours_by_day ON public.parking_hours USING brin (time_bucket('1 day'::interval, bucket, "offset" => '-08:00:00'::interval));
CREATE INDEX parking_readings_by_device ON public.parking_readings USING btree (lane, device_id, observed_at DESC);
CREATE INDEX parking_readings_by_hour ON public.parking_readings USING brin (time_bucket('01:00:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX parking_readings_by_minute ON public.parking_readings USING brin (time_bucket('00:01:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX parking_readings_by_time ON public.parking_readings USING brin (observed_at);
CREATE INDEX readings_missing_open ON public.readings_missing USING btree (feed, lane, device_id, boot_id) WHERE ((ended_at IS NULL) OR (told = ANY (ARRAY[1, 2])));
CREATE INDEX rollup_marks_feed_bucket_idx ON public.rollup_marks USING btree (feed, bucket);
CREATE INDEX tax_hours_bucket_idx ON public.tax_hours USING btree (bucket DESC);
CREATE INDEX tax_hours_by_day ON public.tax_hours USING brin (time_bucket('1 day'::interval, bucket, "offset" => '-08:00:00'::interval));
CREATE INDEX tax_readings_by_device ON public.tax_readings USING btree (lane, device_id, observed_at DESC);
CREATE INDEX tax_readings_by_hour ON public.tax_readings USING brin (time_bucket('01:00:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX tax_readings_by_minute ON public.tax_readings USING brin (time_bucket('00:01:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX tax_readings_by_time ON public.tax_readings USING brin (observed_at);
CREATE INDEX water_hours_bucket_idx ON public.water_hours USING btree (bucket DESC);
CREATE INDEX water_hours_by_day ON public.water_hours USING brin (time_bucket('1 day'::interval, bucket, "offset" => '-08:00:00'::interval));
CREATE INDEX water_readings_by_device ON public.water_readings USING btree (lane, device_id, observed_at DESC);
CREATE INDEX water_readings_by_hour ON public.water_readings USING brin (time_bucket('01:00:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX water_readings_by_minute ON public.water_readings USING brin (time_bucket('00:01:00'::interval, observed_at, "offset" => '-08:00:00'::interval));
CREATE INDEX water_readings_by_time ON public.water_readings USING brin (observed_at);
CREATE UNIQUE INDEX alert_actions_counting ON public.alert_actions USING btree (alert_id, seen) WHERE (fate = 'counts'::text);
CREATE UNIQUE INDEX one_open_alert ON public.alerts USING btree (lane, rule, asset) WHERE ((ended_at IS NULL) AND (event <> 'retracted'::text) AND (superseded_by IS NULL));

-- hypertable dead_letters by received_at, chunks of 7 days
-- hypertable emergency_hours by bucket, chunks of 28 days
-- hypertable emergency_readings by observed_at, chunks of 7 days
-- hypertable ev_hours by bucket, chunks of 28 days
-- hypertable ev_readings by observed_at, chunks of 7 days
-- hypertable indicator_history by period_start, chunks of 7 days
-- hypertable indicators by period_start, chunks of 7 days
-- hypertable parking_hours by bucket, chunks of 28 days
-- hypertable parking_readings by observed_at, chunks of 7 days
-- hypertable tax_hours by bucket, chunks of 28 days
-- hypertable tax_readings by observed_at, chunks of 7 days
-- hypertable water_hours by bucket, chunks of 28 days
-- hypertable water_readings by observed_at, chunks of 7 days

CREATE OR REPLACE FUNCTION public.close_hours(wanted text, moment timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    INSERT INTO public.rollup_marks (feed, bucket, was_dropped)
    SELECT p.feed, b, FALSE
    FROM public.rollup_progress AS p
    CROSS JOIN LATERAL generate_series(p.closed_before, moment - INTERVAL '1 hour', INTERVAL '1 hour') AS b
    WHERE p.feed = wanted;
    UPDATE public.rollup_progress SET closed_before = moment, settled_at = NULL WHERE feed = wanted AND closed_before < moment;
$function$;

CREATE OR REPLACE FUNCTION public.drop_expired_chunks(moment timestamp with time zone, most integer)
 RETURNS TABLE(relation text, chunk text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET lock_timeout TO '5s'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.drop_expired_chunks(most integer)
 RETURNS TABLE(relation text, chunk text)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
    SELECT * FROM drop_expired_chunks(now(), most)
$function$;

CREATE OR REPLACE FUNCTION public.expired_chunks(moment timestamp with time zone)
 RETURNS TABLE(relation text, chunk text, range_start timestamp with time zone, range_end timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.fold_hours(wanted text, most integer, moment timestamp with time zone DEFAULT now())
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.fold_marked(wanted text, since timestamp with time zone, until timestamp with time zone, most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.forget_numbers(relation text, chunk regclass)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    numbers text := 'SELECT %2$L AS feed, lane, device_id, boot_id, seq >> 14 AS segment,'
        ' range_agg(int8range(seq, seq + 1)) AS stored, range_agg(int8range(seq, seq + 1)) AS gone FROM %1$s'
        ' GROUP BY 1, 2, 3, 4, 5';
BEGIN
    IF relation = 'dead_letters' THEN
        numbers := 'SELECT feed, coalesce(lane, ''live'') AS lane, device_id, boot_id, seq >> 14 AS segment,'
            ' int8multirange() AS stored, range_agg(int8range(seq, seq + 1)) AS gone FROM %1$s'
            ' WHERE source <> ''stream_processors'' AND seq BETWEEN 0 AND 9223372036854775806 GROUP BY 1, 2, 3, 4, 5';
    END IF;
    EXECUTE format(
        'WITH going AS MATERIALIZED (' || numbers || '),'
        ' held AS MATERIALIZED ('
        ' SELECT l.feed, l.lane, l.device_id, l.boot_id, l.segment, g.stored, g.gone FROM public.reading_ledger AS l'
        ' JOIN going AS g USING (feed, lane, device_id, boot_id, segment)'
        ' ORDER BY l.feed, l.lane, l.device_id, l.boot_id, l.segment FOR UPDATE OF l)'
        ' UPDATE public.reading_ledger AS l SET stored = l.stored - h.stored, gone = l.gone + h.gone FROM held AS h'
        ' WHERE (l.feed, l.lane, l.device_id, l.boot_id, l.segment)'
        ' = (h.feed, h.lane, h.device_id, h.boot_id, h.segment)', chunk, split_part(relation, '_', 1)
    );
END
$function$;

CREATE OR REPLACE FUNCTION public.mark_hours()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.note_numbers(feed text, chunk regclass)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
BEGIN
    EXECUTE format(
        'INSERT INTO public.reading_ledger AS l (feed, lane, device_id, boot_id, segment, stored)'
        ' SELECT $1, lane, device_id, boot_id, seq >> 14, range_agg(int8range(seq, seq + 1)) FROM %s GROUP BY 2, 3, 4, 5'
        ' ORDER BY 2, 3, 4, 5'
        ' ON CONFLICT (feed, lane, device_id, boot_id, segment) DO UPDATE SET stored = l.stored + excluded.stored', chunk
    ) USING feed;
END
$function$;

CREATE VIEW v_alert_actions AS
 SELECT action_id,
    kind,
    at,
    actor,
    by,
    by_name,
    lane,
    asset,
    alert_id,
    alert_revision,
    rule,
    feed,
    place,
    zone,
    severity,
    raised_at,
    seen,
    assignee,
    scope,
    until,
    words,
    fate,
    kafka_partition,
    kafka_offset,
    stored_at,
    said_at
   FROM alert_actions;

CREATE VIEW v_alert_events AS
 SELECT event_id,
    alert_id,
    revision,
    event,
    lane,
    data,
    stored_at,
    (data ->> 'feed'::text) AS feed,
    (data ->> 'rule'::text) AS rule,
    (data ->> 'asset'::text) AS asset,
    (data ->> 'place'::text) AS place,
    (data ->> 'severity'::text) AS severity,
    ((data ->> 'started_at'::text))::timestamp with time zone AS started_at,
    ((data ->> 'raised_at'::text))::timestamp with time zone AS raised_at,
    ((data ->> 'ended_at'::text))::timestamp with time zone AS ended_at,
    ((data ->> 'observed_value'::text))::double precision AS observed_value,
    (data ->> 'observed_unit'::text) AS observed_unit,
    (data -> 'threshold'::text) AS threshold,
    (data -> 'evidence'::text) AS evidence,
    ((data -> 'text'::text) ->> 'zh'::text) AS text_zh,
    ((data -> 'text'::text) ->> 'en'::text) AS text_en
   FROM alert_events;

CREATE VIEW v_alert_lives AS
 SELECT v.lane,
    v.alert_id,
    v.revision,
    v.event,
    v.feed,
    v.rule,
    v.asset,
    v.place,
    v.severity,
    v.started_at,
    v.raised_at,
    v.ended_at,
    v.observed_value,
    v.observed_unit,
    v.threshold_value,
    v.threshold_unit,
    v.threshold_comparator,
    v.source_kind,
    v.source_id,
    v.source_version,
    v.source_where,
    v.text_zh,
    v.text_en,
    v.evidence,
    v.superseded_by,
    v.suppressed,
    v.suppression,
    v.members,
    v.limits,
        CASE
            WHEN (v.event = 'retracted'::text) THEN 'retracted'::text
            WHEN (v.ended_at IS NOT NULL) THEN 'resolved'::text
            WHEN ((l.closed_at IS NOT NULL) AND ((v.severity COLLATE "C") >= l.closed_severity)) THEN 'closed'::text
            WHEN (l.acknowledged_at IS NOT NULL) THEN 'acknowledged'::text
            ELSE 'open'::text
        END AS standing,
    l.seen,
    l.acknowledged_at,
    l.acknowledged_by,
    l.acknowledged_by_name,
    l.assignee,
    l.closed_at,
    l.closed_by,
    l.closed_by_name,
    l.closed_words,
    l.escalated_at,
    l.received_by,
    l.receivers,
    (EXTRACT(epoch FROM (l.acknowledged_at - v.raised_at)))::double precision AS time_to_acknowledge_s,
        CASE
            WHEN (v.event <> 'retracted'::text) THEN (EXTRACT(epoch FROM (v.ended_at - v.raised_at)))::double precision
            ELSE NULL::double precision
        END AS time_to_resolve_s
   FROM (v_alerts v
     CROSS JOIN LATERAL ( SELECT (count(*) FILTER (WHERE (d.kind = ANY (ARRAY['acknowledge'::text, 'assign'::text, 'close'::text]))))::integer AS seen,
            (array_agg(d.at ORDER BY d.seen) FILTER (WHERE (d.kind = ANY (ARRAY['acknowledge'::text, 'assign'::text]))))[1] AS acknowledged_at,
            (array_agg(d.by ORDER BY d.seen) FILTER (WHERE (d.kind = ANY (ARRAY['acknowledge'::text, 'assign'::text]))))[1] AS acknowledged_by,
            (array_agg(d.by_name ORDER BY d.seen) FILTER (WHERE (d.kind = ANY (ARRAY['acknowledge'::text, 'assign'::text]))))[1] AS acknowledged_by_name,
            (array_agg(d.assignee ORDER BY d.seen DESC) FILTER (WHERE (d.kind = 'assign'::text)))[1] AS assignee,
            (array_agg(d.at ORDER BY d.seen DESC) FILTER (WHERE (d.kind = 'close'::text)))[1] AS closed_at,
            (array_agg(d.by ORDER BY d.seen DESC) FILTER (WHERE (d.kind = 'close'::text)))[1] AS closed_by,
            (array_agg(d.by_name ORDER BY d.seen DESC) FILTER (WHERE (d.kind = 'close'::text)))[1] AS closed_by_name,
            (array_agg(d.words ORDER BY d.seen DESC) FILTER (WHERE (d.kind = 'close'::text)))[1] AS closed_words,
            (array_agg(d.severity ORDER BY d.seen DESC) FILTER (WHERE (d.kind = 'close'::text)))[1] AS closed_severity,
            (array_agg(d.at ORDER BY d.stored_at, d.kafka_offset) FILTER (WHERE (d.kind = 'escalate'::text)))[1] AS escalated_at,
            (count(DISTINCT d.by) FILTER (WHERE ((d.kind = 'receive'::text) AND (d.actor = 'consumer'::text))))::integer AS received_by,
            array_agg(DISTINCT d.by) FILTER (WHERE ((d.kind = 'receive'::text) AND (d.actor = 'consumer'::text))) AS receivers
           FROM alert_actions d
          WHERE ((d.alert_id = v.alert_id) AND (d.fate = 'counts'::text))) l);

CREATE VIEW v_alert_places AS
 SELECT v.lane,
    v.alert_id,
    v.revision,
    v.event,
    v.feed,
    v.rule,
    v.asset,
    v.place,
    v.severity,
    v.started_at,
    v.raised_at,
    v.ended_at,
    v.observed_value,
    v.observed_unit,
    v.threshold_value,
    v.threshold_unit,
    v.threshold_comparator,
    v.source_kind,
    v.source_id,
    v.source_version,
    v.source_where,
    v.text_zh,
    v.text_en,
    v.evidence,
    v.superseded_by,
    v.suppressed,
    v.suppression,
    v.members,
    v.limits,
    a.kind AS asset_kind,
    n.zh AS asset_name_zh,
    n.en AS asset_name_en,
    a.zone,
    a.longitude,
    a.latitude,
    split_part(split_part(regexp_replace(v.text_zh, '^(更正（有迟到数据）：)?[^：]*：'::text, ''::text), '限值：'::text, 1), '最严重时'::text, 1) AS matter_zh,
    split_part(split_part(regexp_replace(v.text_en, '^(Corrected by late data: )?([^:]|:[^ ])*: '::text, ''::text), ' Limit: '::text, 1), ' At worst '::text, 1) AS matter_en,
    "substring"(split_part(v.text_zh, '（北京时间）起。'::text, 2), '[^。]+。$'::text) AS advice_zh,
    ltrim("substring"(split_part(v.text_en, ' (Beijing time). '::text, 2), '[^.]+[.]$'::text)) AS advice_en,
    n.zh AS place_zh,
    n.en AS place_en,
    COALESCE(r.text_zh, v.rule) AS rule_zh,
    COALESCE(r.text_en, v.rule) AS rule_en,
    COALESCE(o.text_zh, v.observed_unit) AS observed_unit_zh,
    COALESCE(o.text_en, v.observed_unit) AS observed_unit_en,
    COALESCE(t.text_zh, v.threshold_unit) AS threshold_unit_zh,
    COALESCE(t.text_en, v.threshold_unit) AS threshold_unit_en
   FROM (((((((v_alerts v
     LEFT JOIN LATERAL ( SELECT assets.kind,
            assets.name_zh,
            assets.name_en,
            assets.zone,
            assets.longitude,
            assets.latitude
           FROM assets
          WHERE ((assets.asset_id = v.asset) AND (assets.feed = v.feed))
          ORDER BY assets.is_device DESC, assets.kind
         LIMIT 1) a ON (true))
     LEFT JOIN assets d ON (((d.kind = 'district'::text) AND (d.asset_id = v.asset))))
     LEFT JOIN words s ON (((s.kind = 'street'::text) AND (s.code = split_part(v.place, ' '::text, 1)))))
     CROSS JOIN LATERAL ( SELECT COALESCE(a.name_zh, d.name_zh, (s.text_zh || substr(v.place, (length(s.code) + 1))), v.place) AS zh,
            COALESCE(a.name_en, d.name_en, (s.text_en || substr(v.place, (length(s.code) + 1))), v.place) AS en) n)
     LEFT JOIN words r ON (((r.kind = 'rule'::text) AND (r.code = v.rule))))
     LEFT JOIN words o ON (((o.kind = 'unit'::text) AND (o.code = v.observed_unit))))
     LEFT JOIN words t ON (((t.kind = 'unit'::text) AND (t.code = v.threshold_unit))));

CREATE VIEW v_alerts AS
 SELECT lane,
    alert_id,
    revision,
    event,
    feed,
    rule,
    asset,
    place,
    severity,
    started_at,
    raised_at,
    ended_at,
    observed_value,
    observed_unit,
    ((threshold ->> 'value'::text))::double precision AS threshold_value,
    (threshold ->> 'unit'::text) AS threshold_unit,
    (threshold ->> 'comparator'::text) AS threshold_comparator,
    ((threshold -> 'source'::text) ->> 'kind'::text) AS source_kind,
    ((threshold -> 'source'::text) ->> 'id'::text) AS source_id,
    ((threshold -> 'source'::text) ->> 'version'::text) AS source_version,
    ((threshold -> 'source'::text) ->> 'where'::text) AS source_where,
    text_zh,
    text_en,
    evidence,
    superseded_by,
    (suppression IS NOT NULL) AS suppressed,
    suppression,
    members,
    limits
   FROM alerts;

CREATE VIEW v_asset_states AS
 WITH open_alerts AS (
         SELECT alerts.lane,
            alerts.feed,
            alerts.asset,
            min(alerts.severity) AS severity,
            count(*) AS n,
            min(alerts.started_at) AS since
           FROM alerts
          WHERE ((alerts.ended_at IS NULL) AND (alerts.event <> 'retracted'::text) AND (alerts.superseded_by IS NULL) AND (alerts.suppression IS NULL))
          GROUP BY alerts.lane, alerts.feed, alerts.asset
        ), lanes AS (
         SELECT 'live'::text AS lane
        UNION
         SELECT open_alerts.lane
           FROM open_alerts
        ), shown AS (
         SELECT a_1.kind,
            a_1.asset_id,
            o.lane,
            o.severity,
            o.n,
            o.since
           FROM (assets a_1
             JOIN open_alerts o ON (((o.asset = a_1.asset_id) AND (o.feed = a_1.feed))))
        UNION ALL
         SELECT a_1.parent_kind,
            a_1.parent_id,
            o.lane,
            o.severity,
            o.n,
            o.since
           FROM (assets a_1
             JOIN open_alerts o ON (((o.asset = a_1.asset_id) AND (o.feed = a_1.feed))))
          WHERE (a_1.parent_id IS NOT NULL)
        ), worst AS (
         SELECT shown.kind,
            shown.asset_id,
            shown.lane,
            min(shown.severity) AS severity,
            (sum(shown.n))::bigint AS n,
            min(shown.since) AS since
           FROM shown
          GROUP BY shown.kind, shown.asset_id, shown.lane
        ), seen AS (
         SELECT devices.feed,
            devices.lane,
            devices.device_id AS asset_id,
            devices.group_id,
            devices.last_seen_at
           FROM devices
        )
 SELECT l.lane,
    a.feed,
    a.kind,
    a.asset_id,
    a.name_zh,
    a.name_en,
    a.parent_kind,
    a.parent_id,
    a.zone,
    a.longitude,
    a.latitude,
    a.approximate,
    w.severity,
    COALESCE(w.n, (0)::bigint) AS open_alerts,
    w.since,
    s.last_seen_at,
        CASE
            WHEN (w.severity IS NOT NULL) THEN w.severity
            WHEN (s.last_seen_at IS NULL) THEN 'unseen'::text
            ELSE 'ok'::text
        END AS state
   FROM (((lanes l
     CROSS JOIN assets a)
     LEFT JOIN worst w USING (lane, kind, asset_id))
     LEFT JOIN LATERAL ( SELECT max(d.last_seen_at) AS last_seen_at
           FROM seen d
          WHERE ((d.lane = l.lane) AND (d.feed = a.feed) AND ((d.asset_id = a.asset_id) OR (d.group_id = a.asset_id) OR (d.asset_id IN ( SELECT c.asset_id
                   FROM assets c
                  WHERE ((c.parent_id = a.asset_id) AND (c.parent_kind = a.kind))))))) s ON (true))
  WHERE ((a.retired_at IS NULL) AND (a.feed IS NOT NULL) AND (a.kind <> ALL (ARRAY['connector'::text, 'office'::text, 'dispatch'::text, 'cell'::text])));

CREATE VIEW v_assets AS
 SELECT kind,
    asset_id,
    feed,
    name_zh,
    name_en,
    parent_kind,
    parent_id,
    zone,
    longitude,
    latitude,
    approximate,
    capacity,
    capacity_unit,
    limit_value,
    limit_unit,
    is_device,
    registered_at,
    retired_at
   FROM assets
  WHERE (retired_at IS NULL);

CREATE VIEW v_dead_letter_hours AS
 SELECT time_bucket('01:00:00'::interval, received_at) AS bucket,
    COALESCE(feed, 'unknown'::text) AS feed,
    source,
    reason,
    count(*) AS n
   FROM dead_letters
  GROUP BY (time_bucket('01:00:00'::interval, received_at)), COALESCE(feed, 'unknown'::text), source, reason;

CREATE VIEW v_dead_letter_reasons AS
 SELECT feed,
    lane,
    source,
    reason,
    count(DISTINCT
        CASE
            WHEN ((seq IS NOT NULL) AND (boot_id IS NOT NULL)) THEN concat_ws('/'::text, device_id, boot_id, seq)
            WHEN (kafka_offset IS NOT NULL) THEN concat_ws('@'::text, kafka_topic, kafka_partition, kafka_offset)
            ELSE concat_ws('@'::text, dl_partition, dl_offset)
        END) AS n
   FROM dead_letters
  GROUP BY feed, lane, source, reason;

CREATE VIEW v_dead_letters AS
 SELECT received_at,
    source,
    reason,
    detail,
    mqtt_topic,
    mqtt_properties,
    kafka_topic,
    kafka_partition,
    kafka_offset,
    feed,
    lane,
    group_id,
    device_id,
    boot_id,
    seq,
    element,
    payload,
    dl_partition,
    dl_offset
   FROM dead_letters;

CREATE VIEW v_deliveries AS
 SELECT event_id,
    subscriber,
    attempt,
    alert_id,
    lane,
    outcome,
    http_status,
    at,
    seconds,
    detail,
    event,
    feed,
    asset,
    redelivery,
    waited_seconds,
    next_at,
    event_topic,
    event_partition,
    event_offset,
    kafka_partition,
    kafka_offset,
    stored_at
   FROM alert_deliveries;

CREATE VIEW v_device_gaps AS
 SELECT d.feed,
    d.lane,
    d.device_id,
    d.boot_id,
    lower(m.m) AS first_seq,
    (upper(m.m) - 1) AS last_seq,
    (upper(m.m) - lower(m.m)) AS n
   FROM v_device_ledger d,
    LATERAL unnest((d.missing_numbers)::int8multirange) m(m);

CREATE VIEW v_device_hours AS
 SELECT feed,
    lane,
    device_id,
    bucket,
    ((((sum(stored) + sum(repeated)) + (sum(refused))::numeric) + sum(missing)))::bigint AS sent,
    (sum(stored))::bigint AS stored,
    (sum(repeated))::bigint AS repeated,
    sum(refused) AS refused,
    (sum(missing))::bigint AS missing
   FROM ( SELECT 'ev'::text AS feed,
            v_ev_hours.lane,
            v_ev_hours.device_id,
            v_ev_hours.bucket,
            v_ev_hours.n AS stored,
            0 AS repeated,
            0 AS refused,
            0 AS missing
           FROM v_ev_hours
        UNION ALL
         SELECT 'water'::text AS feed,
            v_water_hours.lane,
            v_water_hours.device_id,
            v_water_hours.bucket,
            v_water_hours.n AS stored,
            0 AS repeated,
            0 AS refused,
            0 AS missing
           FROM v_water_hours
        UNION ALL
         SELECT 'parking'::text AS feed,
            v_parking_hours.lane,
            v_parking_hours.device_id,
            v_parking_hours.bucket,
            v_parking_hours.n AS stored,
            0 AS repeated,
            0 AS refused,
            0 AS missing
           FROM v_parking_hours
        UNION ALL
         SELECT 'emergency'::text AS feed,
            v_emergency_hours.lane,
            v_emergency_hours.device_id,
            v_emergency_hours.bucket,
            v_emergency_hours.n AS stored,
            0 AS repeated,
            0 AS refused,
            0 AS missing
           FROM v_emergency_hours
        UNION ALL
         SELECT 'tax'::text AS feed,
            v_tax_hours.lane,
            v_tax_hours.device_id,
            v_tax_hours.bucket,
            v_tax_hours.n AS stored,
            0 AS repeated,
            0 AS refused,
            0 AS missing
           FROM v_tax_hours
        UNION ALL
         SELECT reading_repeats.feed,
            reading_repeats.lane,
            reading_repeats.device_id,
            reading_repeats.hour,
            0,
            reading_repeats.n,
            0,
            0
           FROM reading_repeats
        UNION ALL
         SELECT dead_letters.feed,
            COALESCE(dead_letters.lane, 'live'::text) AS "coalesce",
            dead_letters.device_id,
            time_bucket('01:00:00'::interval, dead_letters.received_at) AS time_bucket,
            0,
            0,
            1,
            0
           FROM dead_letters
          WHERE ((dead_letters.feed IS NOT NULL) AND (dead_letters.device_id IS NOT NULL) AND (dead_letters.source <> 'stream_processors'::text))
        UNION ALL
         SELECT g.feed,
            g.lane,
            g.device_id,
            time_bucket('01:00:00'::interval, r.observed_at) AS time_bucket,
            0,
            0,
            0,
            g.n
           FROM (v_device_gaps g
             CROSS JOIN LATERAL ( SELECT r_1.observed_at
                   FROM ev_readings r_1
                  WHERE ((r_1.lane = g.lane) AND (r_1.device_id = g.device_id) AND (r_1.boot_id = g.boot_id) AND (r_1.seq > g.last_seq))
                  ORDER BY r_1.seq
                 LIMIT 1) r)
          WHERE (g.feed = 'ev'::text)
        UNION ALL
         SELECT g.feed,
            g.lane,
            g.device_id,
            time_bucket('01:00:00'::interval, r.observed_at) AS time_bucket,
            0,
            0,
            0,
            g.n
           FROM (v_device_gaps g
             CROSS JOIN LATERAL ( SELECT r_1.observed_at
                   FROM water_readings r_1
                  WHERE ((r_1.lane = g.lane) AND (r_1.device_id = g.device_id) AND (r_1.boot_id = g.boot_id) AND (r_1.seq > g.last_seq))
                  ORDER BY r_1.seq
                 LIMIT 1) r)
          WHERE (g.feed = 'water'::text)
        UNION ALL
         SELECT g.feed,
            g.lane,
            g.device_id,
            time_bucket('01:00:00'::interval, r.observed_at) AS time_bucket,
            0,
            0,
            0,
            g.n
           FROM (v_device_gaps g
             CROSS JOIN LATERAL ( SELECT r_1.observed_at
                   FROM parking_readings r_1
                  WHERE ((r_1.lane = g.lane) AND (r_1.device_id = g.device_id) AND (r_1.boot_id = g.boot_id) AND (r_1.seq > g.last_seq))
                  ORDER BY r_1.seq
                 LIMIT 1) r)
          WHERE (g.feed = 'parking'::text)
        UNION ALL
         SELECT g.feed,
            g.lane,
            g.device_id,
            time_bucket('01:00:00'::interval, r.observed_at) AS time_bucket,
            0,
            0,
            0,
            g.n
           FROM (v_device_gaps g
             CROSS JOIN LATERAL ( SELECT r_1.observed_at
                   FROM emergency_readings r_1
                  WHERE ((r_1.lane = g.lane) AND (r_1.device_id = g.device_id) AND (r_1.boot_id = g.boot_id) AND (r_1.seq > g.last_seq))
                  ORDER BY r_1.seq
                 LIMIT 1) r)
          WHERE (g.feed = 'emergency'::text)
        UNION ALL
         SELECT g.feed,
            g.lane,
            g.device_id,
            time_bucket('01:00:00'::interval, r.observed_at) AS time_bucket,
            0,
            0,
            0,
            g.n
           FROM (v_device_gaps g
             CROSS JOIN LATERAL ( SELECT r_1.observed_at
                   FROM tax_readings r_1
                  WHERE ((r_1.lane = g.lane) AND (r_1.device_id = g.device_id) AND (r_1.boot_id = g.boot_id) AND (r_1.seq > g.last_seq))
                  ORDER BY r_1.seq
                 LIMIT 1) r)
          WHERE (g.feed = 'tax'::text)) t
  GROUP BY feed, lane, device_id, bucket;

CREATE VIEW v_device_ledger AS
 WITH boots AS (
         SELECT reading_ledger.feed,
            reading_ledger.lane,
            reading_ledger.device_id,
            reading_ledger.boot_id,
            range_agg(reading_ledger.stored) AS stored,
            range_agg(reading_ledger.gone) AS gone
           FROM reading_ledger
          GROUP BY reading_ledger.feed, reading_ledger.lane, reading_ledger.device_id, reading_ledger.boot_id
        ), holes AS (
         SELECT boots.feed,
            boots.lane,
            boots.device_id,
            boots.boot_id,
            boots.stored,
            boots.gone,
            upper((boots.stored + boots.gone)) AS sent,
            ((int8multirange(int8range((0)::bigint, upper((boots.stored + boots.gone)))) - boots.stored) - boots.gone) AS holes
           FROM boots
        ), explained AS (
         SELECT h.feed,
            h.lane,
            h.device_id,
            h.boot_id,
            h.stored,
            h.gone,
            h.sent,
            h.holes,
            r.refused
           FROM (holes h
             LEFT JOIN LATERAL ( SELECT (range_agg(int8range(d.seq, (d.seq + 1))) * h.holes) AS refused
                   FROM dead_letters d
                  WHERE ((NOT isempty(h.holes)) AND (d.boot_id = h.boot_id) AND (d.device_id = h.device_id) AND (d.feed = h.feed) AND (COALESCE(d.lane, 'live'::text) = h.lane) AND (d.source <> 'stream_processors'::text) AND ((d.seq >= 0) AND (d.seq <= '9223372036854775806'::bigint)))) r ON (true))
        )
 SELECT feed,
    lane,
    device_id,
    boot_id,
    sent,
    ( SELECT COALESCE(sum((upper(s.s) - lower(s.s))), (0)::numeric) AS "coalesce"
           FROM unnest(explained.stored) s(s)) AS stored,
    ( SELECT COALESCE(sum((upper(s.s) - lower(s.s))), (0)::numeric) AS "coalesce"
           FROM unnest(explained.refused) s(s)) AS refused,
    ( SELECT COALESCE(sum((upper(s.s) - lower(s.s))), (0)::numeric) AS "coalesce"
           FROM unnest((explained.gone - explained.stored)) s(s)) AS gone,
    ( SELECT COALESCE(sum((upper(s.s) - lower(s.s))), (0)::numeric) AS "coalesce"
           FROM unnest((explained.holes - COALESCE(explained.refused, '{}'::int8multirange))) s(s)) AS missing,
    ((holes - COALESCE(refused, '{}'::int8multirange)))::text AS missing_numbers
   FROM explained;

CREATE VIEW v_devices AS
 SELECT feed,
    lane,
    device_id,
    group_id,
    boot_id,
    first_seen_at,
    last_seen_at
   FROM devices;

CREATE VIEW v_edition AS
 SELECT
        CASE current_setting('timescaledb.license'::text)
            WHEN 'apache'::text THEN 'apache'::text
            ELSE 'community'::text
        END AS edition,
    ( SELECT pg_extension.extversion
           FROM pg_extension
          WHERE (pg_extension.extname = 'timescaledb'::name)) AS timescaledb,
    current_setting('server_version'::text) AS postgresql;

CREATE VIEW v_emergency_days AS
 SELECT lane,
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
   FROM ( SELECT parts.lane,
            parts.group_id,
            parts.device_id,
            parts.bucket,
            (sum(parts.n))::bigint AS n,
            (sum(parts.n_doubtful))::bigint AS n_doubtful,
            min(parts.first_at) AS first_at,
            max(parts.last_at) AS last_at,
            (sum(parts.unit_n))::bigint AS unit_n,
            (sum(parts.available_n))::bigint AS available_n,
            (sum(parts.busy_n))::bigint AS busy_n,
            (sum(parts.out_of_service_n))::bigint AS out_of_service_n,
            (sum(parts.calls_n))::bigint AS calls_n
           FROM ( SELECT h.lane,
                    h.group_id,
                    h.device_id,
                    time_bucket('1 day'::interval, h.bucket, "offset" => '-08:00:00'::interval) AS bucket,
                    h.n,
                    h.n_doubtful,
                    h.first_at,
                    h.last_at,
                    h.unit_n,
                    h.available_n,
                    h.busy_n,
                    h.out_of_service_n,
                    h.calls_n
                   FROM emergency_hours h
                  WHERE (NOT (EXISTS ( SELECT
                           FROM rollup_marks m
                          WHERE ((m.feed = 'emergency'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
                UNION ALL
                 SELECT emergency_days_raw.lane,
                    emergency_days_raw.group_id,
                    emergency_days_raw.device_id,
                    emergency_days_raw.bucket,
                    emergency_days_raw.n,
                    emergency_days_raw.n_doubtful,
                    emergency_days_raw.first_at,
                    emergency_days_raw.last_at,
                    emergency_days_raw.unit_n,
                    emergency_days_raw.available_n,
                    emergency_days_raw.busy_n,
                    emergency_days_raw.out_of_service_n,
                    emergency_days_raw.calls_n
                   FROM emergency_days_raw
                  WHERE (NOT emergency_days_raw.was_dropped)) parts
          GROUP BY parts.lane, parts.group_id, parts.device_id, parts.bucket) by_bucket;

CREATE VIEW v_emergency_hours AS
 SELECT lane,
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
   FROM ( SELECT h.lane,
            h.group_id,
            h.device_id,
            h.bucket,
            h.n,
            h.n_doubtful,
            h.first_at,
            h.last_at,
            h.unit_n,
            h.available_n,
            h.busy_n,
            h.out_of_service_n,
            h.calls_n
           FROM emergency_hours h
          WHERE (NOT (EXISTS ( SELECT
                   FROM rollup_marks m
                  WHERE ((m.feed = 'emergency'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
        UNION ALL
         SELECT emergency_hours_raw.lane,
            emergency_hours_raw.group_id,
            emergency_hours_raw.device_id,
            emergency_hours_raw.bucket,
            emergency_hours_raw.n,
            emergency_hours_raw.n_doubtful,
            emergency_hours_raw.first_at,
            emergency_hours_raw.last_at,
            emergency_hours_raw.unit_n,
            emergency_hours_raw.available_n,
            emergency_hours_raw.busy_n,
            emergency_hours_raw.out_of_service_n,
            emergency_hours_raw.calls_n
           FROM emergency_hours_raw
          WHERE (NOT emergency_hours_raw.was_dropped)) by_bucket;

CREATE VIEW v_emergency_latest AS
 SELECT d.lane,
    d.group_id,
    d.device_id,
    d.last_seen_at,
    r.observed_at,
    r.quality,
    r.quality_codes,
    r.unit_id,
    r.unit_type,
    r.unit_state,
    r.incident_id,
    r.longitude,
    r.latitude
   FROM (devices d
     CROSS JOIN LATERAL ( SELECT q.device_id,
            q.group_id,
            q.boot_id,
            q.seq,
            q.observed_at,
            q.quality,
            q.quality_codes,
            q.lane,
            q.incident_id,
            q.unit_id,
            q.unit_type,
            q.unit_state,
            q.step,
            q.call_type,
            q.priority,
            q.street,
            q.longitude,
            q.latitude,
            q.call_received_at,
            q.call_entered_at,
            q.dispatched_at,
            q.responding_at,
            q.on_scene_at,
            q.at_patient_at,
            q.transporting_at,
            q.at_hospital_at,
            q.handed_over_at,
            q.available_at,
            q.received_at,
            q.stored_at,
            q.kafka_partition,
            q.kafka_offset
           FROM emergency_readings q
          WHERE ((q.lane = d.lane) AND (q.device_id = d.device_id) AND (NOT ('future_time'::text = ANY (q.quality_codes))) AND (q.unit_state IS NOT NULL))
          ORDER BY q.observed_at DESC
         LIMIT 1) r)
  WHERE (d.feed = 'emergency'::text);

CREATE VIEW v_emergency_minutes AS
 SELECT lane,
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
   FROM ( SELECT emergency_readings.lane,
            emergency_readings.group_id,
            emergency_readings.device_id,
            time_bucket('00:01:00'::interval, emergency_readings.observed_at, "offset" => '-08:00:00'::interval) AS bucket,
            count(*) AS n,
            count(*) FILTER (WHERE ((emergency_readings.quality <> 'good'::text) OR (cardinality(emergency_readings.quality_codes) > 0))) AS n_doubtful,
            min(emergency_readings.observed_at) AS first_at,
            max(emergency_readings.observed_at) AS last_at,
            count(emergency_readings.unit_state) AS unit_n,
            count(*) FILTER (WHERE (emergency_readings.unit_state = 'available'::text)) AS available_n,
            count(*) FILTER (WHERE (emergency_readings.unit_state = ANY (ARRAY['dispatched'::text, 'responding'::text, 'on_scene'::text, 'transporting'::text, 'at_hospital'::text]))) AS busy_n,
            count(*) FILTER (WHERE (emergency_readings.unit_state = 'out_of_service'::text)) AS out_of_service_n,
            count(*) FILTER (WHERE (emergency_readings.step = 'call_received'::text)) AS calls_n
           FROM emergency_readings
          GROUP BY emergency_readings.lane, emergency_readings.group_id, emergency_readings.device_id, (time_bucket('00:01:00'::interval, emergency_readings.observed_at, "offset" => '-08:00:00'::interval))) by_bucket;

CREATE VIEW v_emergency_readings AS
 SELECT device_id,
    group_id,
    boot_id,
    seq,
    observed_at,
    quality,
    quality_codes,
    lane,
    incident_id,
    unit_id,
    unit_type,
    unit_state,
    step,
    call_type,
    priority,
    street,
    longitude,
    latitude,
    call_received_at,
    call_entered_at,
    dispatched_at,
    responding_at,
    on_scene_at,
    at_patient_at,
    transporting_at,
    at_hospital_at,
    handed_over_at,
    available_at,
    received_at,
    stored_at,
    kafka_partition,
    kafka_offset
   FROM emergency_readings;

CREATE VIEW v_ev_days AS
 SELECT lane,
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
    (power_kw_sum / (NULLIF(power_kw_n, 0))::double precision) AS power_kw_avg
   FROM ( SELECT parts.lane,
            parts.group_id,
            parts.device_id,
            parts.bucket,
            (sum(parts.n))::bigint AS n,
            (sum(parts.n_doubtful))::bigint AS n_doubtful,
            min(parts.first_at) AS first_at,
            max(parts.last_at) AS last_at,
            (sum(parts.power_kw_n))::bigint AS power_kw_n,
            sum(parts.power_kw_sum) AS power_kw_sum,
            min(parts.power_kw_min) AS power_kw_min,
            max(parts.power_kw_max) AS power_kw_max,
            (sum(parts.idle_n))::bigint AS idle_n,
            (sum(parts.charging_n))::bigint AS charging_n,
            (sum(parts.plugged_n))::bigint AS plugged_n,
            (sum(parts.fault_n))::bigint AS fault_n,
            (sum(parts.unusable_n))::bigint AS unusable_n,
            min(parts.energy_register_kwh_min) AS energy_register_kwh_min,
            max(parts.energy_register_kwh_max) AS energy_register_kwh_max
           FROM ( SELECT h.lane,
                    h.group_id,
                    h.device_id,
                    time_bucket('1 day'::interval, h.bucket, "offset" => '-08:00:00'::interval) AS bucket,
                    h.n,
                    h.n_doubtful,
                    h.first_at,
                    h.last_at,
                    h.power_kw_n,
                    h.power_kw_sum,
                    h.power_kw_min,
                    h.power_kw_max,
                    h.idle_n,
                    h.charging_n,
                    h.plugged_n,
                    h.fault_n,
                    h.unusable_n,
                    h.energy_register_kwh_min,
                    h.energy_register_kwh_max
                   FROM ev_hours h
                  WHERE (NOT (EXISTS ( SELECT
                           FROM rollup_marks m
                          WHERE ((m.feed = 'ev'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
                UNION ALL
                 SELECT ev_days_raw.lane,
                    ev_days_raw.group_id,
                    ev_days_raw.device_id,
                    ev_days_raw.bucket,
                    ev_days_raw.n,
                    ev_days_raw.n_doubtful,
                    ev_days_raw.first_at,
                    ev_days_raw.last_at,
                    ev_days_raw.power_kw_n,
                    ev_days_raw.power_kw_sum,
                    ev_days_raw.power_kw_min,
                    ev_days_raw.power_kw_max,
                    ev_days_raw.idle_n,
                    ev_days_raw.charging_n,
                    ev_days_raw.plugged_n,
                    ev_days_raw.fault_n,
                    ev_days_raw.unusable_n,
                    ev_days_raw.energy_register_kwh_min,
                    ev_days_raw.energy_register_kwh_max
                   FROM ev_days_raw
                  WHERE (NOT ev_days_raw.was_dropped)) parts
          GROUP BY parts.lane, parts.group_id, parts.device_id, parts.bucket) by_bucket;

CREATE VIEW v_ev_hours AS
 SELECT lane,
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
    (power_kw_sum / (NULLIF(power_kw_n, 0))::double precision) AS power_kw_avg
   FROM ( SELECT h.lane,
            h.group_id,
            h.device_id,
            h.bucket,
            h.n,
            h.n_doubtful,
            h.first_at,
            h.last_at,
            h.power_kw_n,
            h.power_kw_sum,
            h.power_kw_min,
            h.power_kw_max,
            h.idle_n,
            h.charging_n,
            h.plugged_n,
            h.fault_n,
            h.unusable_n,
            h.energy_register_kwh_min,
            h.energy_register_kwh_max
           FROM ev_hours h
          WHERE (NOT (EXISTS ( SELECT
                   FROM rollup_marks m
                  WHERE ((m.feed = 'ev'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
        UNION ALL
         SELECT ev_hours_raw.lane,
            ev_hours_raw.group_id,
            ev_hours_raw.device_id,
            ev_hours_raw.bucket,
            ev_hours_raw.n,
            ev_hours_raw.n_doubtful,
            ev_hours_raw.first_at,
            ev_hours_raw.last_at,
            ev_hours_raw.power_kw_n,
            ev_hours_raw.power_kw_sum,
            ev_hours_raw.power_kw_min,
            ev_hours_raw.power_kw_max,
            ev_hours_raw.idle_n,
            ev_hours_raw.charging_n,
            ev_hours_raw.plugged_n,
            ev_hours_raw.fault_n,
            ev_hours_raw.unusable_n,
            ev_hours_raw.energy_register_kwh_min,
            ev_hours_raw.energy_register_kwh_max
           FROM ev_hours_raw
          WHERE (NOT ev_hours_raw.was_dropped)) by_bucket;

CREATE VIEW v_ev_latest AS
 SELECT d.lane,
    d.group_id,
    d.device_id,
    d.last_seen_at,
    r.observed_at,
    r.quality,
    r.quality_codes,
    r.status,
    r.error_code,
    r.power_kw,
    r.rated_power_kw,
    r.soc_percent,
    r.energy_register_kwh
   FROM (devices d
     CROSS JOIN LATERAL ( SELECT q.device_id,
            q.group_id,
            q.boot_id,
            q.seq,
            q.observed_at,
            q.quality,
            q.quality_codes,
            q.lane,
            q.context,
            q.status,
            q.status_vocabulary,
            q.status_word,
            q.error_code,
            q.rated_power_kw,
            q.power_kw,
            q.energy_register_kwh,
            q.session_id,
            q.session_energy_kwh,
            q.voltage_v,
            q.current_a,
            q.soc_percent,
            q.site_name,
            q.received_at,
            q.stored_at,
            q.kafka_partition,
            q.kafka_offset
           FROM ev_readings q
          WHERE ((q.lane = d.lane) AND (q.device_id = d.device_id) AND (NOT ('future_time'::text = ANY (q.quality_codes))))
          ORDER BY q.observed_at DESC
         LIMIT 1) r)
  WHERE (d.feed = 'ev'::text);

CREATE VIEW v_ev_minutes AS
 SELECT lane,
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
    (power_kw_sum / (NULLIF(power_kw_n, 0))::double precision) AS power_kw_avg
   FROM ( SELECT ev_readings.lane,
            ev_readings.group_id,
            ev_readings.device_id,
            time_bucket('00:01:00'::interval, ev_readings.observed_at, "offset" => '-08:00:00'::interval) AS bucket,
            count(*) AS n,
            count(*) FILTER (WHERE ((ev_readings.quality <> 'good'::text) OR (cardinality(ev_readings.quality_codes) > 0))) AS n_doubtful,
            min(ev_readings.observed_at) AS first_at,
            max(ev_readings.observed_at) AS last_at,
            count(ev_readings.power_kw) AS power_kw_n,
            sum(ev_readings.power_kw) AS power_kw_sum,
            min(ev_readings.power_kw) AS power_kw_min,
            max(ev_readings.power_kw) AS power_kw_max,
            count(*) FILTER (WHERE (ev_readings.status = 'idle'::text)) AS idle_n,
            count(*) FILTER (WHERE (ev_readings.status = 'charging'::text)) AS charging_n,
            count(*) FILTER (WHERE (ev_readings.status = 'plugged'::text)) AS plugged_n,
            count(*) FILTER (WHERE (ev_readings.status = 'fault'::text)) AS fault_n,
            count(*) FILTER (WHERE (ev_readings.status = ANY (ARRAY['out_of_service'::text, 'no_contact'::text]))) AS unusable_n,
            min(ev_readings.energy_register_kwh) AS energy_register_kwh_min,
            max(ev_readings.energy_register_kwh) AS energy_register_kwh_max
           FROM ev_readings
          GROUP BY ev_readings.lane, ev_readings.group_id, ev_readings.device_id, (time_bucket('00:01:00'::interval, ev_readings.observed_at, "offset" => '-08:00:00'::interval))) by_bucket;

CREATE VIEW v_ev_readings AS
 SELECT device_id,
    group_id,
    boot_id,
    seq,
    observed_at,
    quality,
    quality_codes,
    lane,
    context,
    status,
    status_vocabulary,
    status_word,
    error_code,
    rated_power_kw,
    power_kw,
    energy_register_kwh,
    session_id,
    session_energy_kwh,
    voltage_v,
    current_a,
    soc_percent,
    site_name,
    received_at,
    stored_at,
    kafka_partition,
    kafka_offset
   FROM ev_readings;

CREATE VIEW v_feed_health AS
 WITH said AS (
         SELECT DISTINCT ON ((p.document ->> 'feed'::text)) (p.document ->> 'feed'::text) AS feed,
            p.document
           FROM plan_versions p
          WHERE ((p.kind = 'policy'::text) AND (p.valid_from <= ((now() AT TIME ZONE '08:00:00'::interval))::date) AND ((p.valid_to IS NULL) OR (p.valid_to >= ((now() AT TIME ZONE '08:00:00'::interval))::date)))
          ORDER BY (p.document ->> 'feed'::text), p.valid_from DESC, p.published_at DESC
        ), patience AS (
         SELECT said.feed,
            ((l.value ->> 'value'::text))::double precision AS seconds
           FROM said,
            LATERAL jsonb_array_elements((said.document -> 'limit'::text)) l(value)
          WHERE (((l.value ->> 'id'::text) = (said.feed || '.silence'::text)) AND ((l.value ->> 'unit'::text) = 's'::text))
        UNION ALL
         SELECT said.feed,
            ((((said.document -> 'settings'::text) -> 'coverage'::text) ->> 'fresh_seconds'::text))::double precision AS float8
           FROM said
          WHERE (said.feed = 'emergency'::text)
        )
 SELECT f.feed,
    COALESCE(r.registered, (0)::bigint) AS registered,
    COALESCE(d.known, (0)::bigint) AS known,
    COALESCE(d.heard, (0)::bigint) AS heard,
    d.last_seen_at,
    ((COALESCE(i.readings, (0)::numeric))::double precision / (300.0)::double precision) AS readings_per_s,
        CASE
            WHEN (COALESCE(r.registered, (0)::bigint) > 0) THEN LEAST((1.0)::double precision, ((COALESCE(d.heard, (0)::bigint))::double precision / (r.registered)::double precision))
            ELSE NULL::double precision
        END AS completeness,
    f.heard_since
   FROM (((( SELECT e.feed,
            (now() -
                CASE
                    WHEN (e.feed = 'tax'::text) THEN make_interval(days =>
                    CASE (EXTRACT(isodow FROM ((now() AT TIME ZONE 'UTC'::text) + '08:00:00'::interval)))::integer
                        WHEN 6 THEN 2
                        WHEN 7 THEN 3
                        WHEN 1 THEN 3
                        ELSE 1
                    END)
                    ELSE COALESCE(( SELECT make_interval(secs => p.seconds) AS make_interval
                       FROM patience p
                      WHERE ((p.feed = e.feed) AND ((p.seconds >= (1)::double precision) AND (p.seconds <= ('10000000'::numeric)::double precision)))), '01:00:00'::interval)
                END) AS heard_since
           FROM ( VALUES ('ev'::text), ('water'::text), ('parking'::text), ('emergency'::text), ('tax'::text)) e(feed)) f
     LEFT JOIN ( SELECT assets.feed,
            count(*) AS registered
           FROM assets
          WHERE (assets.is_device AND (assets.retired_at IS NULL))
          GROUP BY assets.feed) r USING (feed))
     LEFT JOIN LATERAL ( SELECT count(*) AS known,
            count(*) FILTER (WHERE (devices.last_seen_at > f.heard_since)) AS heard,
            max(devices.last_seen_at) AS last_seen_at
           FROM devices
          WHERE ((devices.lane = 'live'::text) AND (devices.feed = f.feed))) d ON (true))
     LEFT JOIN ( SELECT intake_minutes.feed,
            sum(intake_minutes.readings) AS readings
           FROM intake_minutes
          WHERE ((intake_minutes.minute >= (date_trunc('minute'::text, now()) - '00:05:00'::interval)) AND (intake_minutes.minute < date_trunc('minute'::text, now())))
          GROUP BY intake_minutes.feed) i USING (feed));

CREATE VIEW v_feed_totals AS
 SELECT f.feed,
    COALESCE(d.devices, (0)::bigint) AS devices,
    (COALESCE(p.readings, (0)::numeric))::bigint AS readings,
    (COALESCE(p.stored, (0)::numeric))::bigint AS stored,
    (COALESCE(p.duplicates, (0)::numeric))::bigint AS duplicates,
    (COALESCE(p.dead_lettered, (0)::numeric))::bigint AS dead_lettered
   FROM ((( VALUES ('ev'::text), ('water'::text), ('parking'::text), ('emergency'::text), ('tax'::text)) f(feed)
     LEFT JOIN ( SELECT devices.feed,
            count(DISTINCT devices.device_id) AS devices
           FROM devices
          GROUP BY devices.feed) d USING (feed))
     LEFT JOIN ( SELECT split_part(sink_progress.topic, '.'::text, 2) AS feed,
            sum(sink_progress.readings) AS readings,
            sum(sink_progress.stored) AS stored,
            sum(sink_progress.duplicates) AS duplicates,
            sum(sink_progress.dead_lettered) AS dead_lettered
           FROM sink_progress
          WHERE (sink_progress.topic ~~ 'readings.%'::text)
          GROUP BY (split_part(sink_progress.topic, '.'::text, 2))) p USING (feed));

CREATE VIEW v_imports AS
 SELECT source,
    min(file) AS file,
    min(feed) AS feed,
    count(*) AS parts,
    count(*) FILTER (WHERE (next_at = part_end)) AS parts_done,
    (sum(lines))::bigint AS lines,
    (sum(stored))::bigint AS stored,
    (sum(duplicates))::bigint AS duplicates,
    (sum(refused))::bigint AS refused,
    min(earliest) AS earliest,
    max(latest) AS latest,
    max(updated_at) AS updated_at
   FROM imports
  GROUP BY source;

CREATE VIEW v_indicator_history AS
 SELECT lane,
    id,
    feed,
    subject,
    subject_name,
    period_start,
    period_end,
    revision,
    known_at,
    value,
    unit,
    status,
    status_reason,
    n,
    completeness,
    threshold,
    details,
    stored_at,
    status_reason_zh
   FROM indicator_history;

CREATE VIEW v_indicators AS
 SELECT lane,
    id,
    feed,
    subject,
    subject_name,
    period_start,
    period_end,
    value,
    unit,
    status,
    status_reason,
    n,
    completeness,
    threshold,
    revision,
    sample_device_id,
    sample_boot_id,
    sample_seq,
    sample_quality,
    details,
    evidence,
    stored_at,
    known_at,
    status_reason_zh
   FROM indicators;

CREATE VIEW v_intake_minutes AS
 SELECT minute,
    feed,
    readings,
    stored,
    duplicates,
    dead_lettered,
    live,
    arrival_s_sum,
    arrival_s_max,
    storing_s_sum,
    storing_s_max
   FROM intake_minutes;

CREATE VIEW v_ledger AS
 SELECT f.feed,
    COALESCE(p.readings, (0)::bigint) AS received,
    COALESCE(p.stored, (0)::bigint) AS stored,
    COALESCE(p.duplicates, (0)::bigint) AS duplicates,
    COALESCE(p.dead_lettered, (0)::bigint) AS dead_lettered,
    COALESCE((((p.readings - p.stored) - p.duplicates) - p.dead_lettered), (0)::bigint) AS difference,
    COALESCE(p.in_flight, (0)::bigint) AS in_flight,
    p.updated_at,
    (COALESCE(g.records, (0)::numeric))::bigint AS lost_records
   FROM ((( VALUES ('ev'::text), ('water'::text), ('parking'::text), ('emergency'::text), ('tax'::text)) f(feed)
     LEFT JOIN ( SELECT split_part(sink_progress.topic, '.'::text, 2) AS feed,
            (sum(sink_progress.readings))::bigint AS readings,
            (sum(sink_progress.stored))::bigint AS stored,
            (sum(sink_progress.duplicates))::bigint AS duplicates,
            (sum(sink_progress.dead_lettered))::bigint AS dead_lettered,
            (sum(GREATEST((sink_progress.end_offset - sink_progress.next_offset), (0)::bigint)))::bigint AS in_flight,
            max(sink_progress.updated_at) AS updated_at
           FROM sink_progress
          WHERE (sink_progress.topic ~~ 'readings.%'::text)
          GROUP BY (split_part(sink_progress.topic, '.'::text, 2))) p USING (feed))
     LEFT JOIN ( SELECT split_part(log_gaps.topic, '.'::text, 2) AS feed,
            sum((log_gaps.before_offset - log_gaps.first_offset)) AS records
           FROM log_gaps
          WHERE (log_gaps.topic ~~ 'readings.%'::text)
          GROUP BY (split_part(log_gaps.topic, '.'::text, 2))) g USING (feed));

CREATE VIEW v_log_gaps AS
 SELECT cluster_id,
    topic,
    partition,
    first_offset,
    (before_offset - 1) AS last_offset,
    (before_offset - first_offset) AS records,
    why,
    since,
    until,
    noticed_at,
    acknowledged_at,
    acknowledged_by
   FROM log_gaps;

CREATE VIEW v_open_alerts AS
 SELECT lane,
    alert_id,
    revision,
    event,
    feed,
    rule,
    asset,
    place,
    severity,
    started_at,
    raised_at,
    ended_at,
    observed_value,
    observed_unit,
    threshold_value,
    threshold_unit,
    threshold_comparator,
    source_kind,
    source_id,
    source_version,
    source_where,
    text_zh,
    text_en,
    evidence,
    superseded_by,
    suppressed,
    suppression,
    members,
    limits
   FROM v_alerts
  WHERE ((ended_at IS NULL) AND (event <> 'retracted'::text) AND (superseded_by IS NULL));

CREATE VIEW v_parking_days AS
 SELECT lane,
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
    (occupied_sum / NULLIF(usable_sum, (0)::double precision)) AS occupancy,
    (free_spaces_sum / (NULLIF(counted_n, 0))::double precision) AS free_spaces_avg
   FROM ( SELECT parts.lane,
            parts.group_id,
            parts.device_id,
            parts.bucket,
            (sum(parts.n))::bigint AS n,
            (sum(parts.n_doubtful))::bigint AS n_doubtful,
            min(parts.first_at) AS first_at,
            max(parts.last_at) AS last_at,
            (sum(parts.counted_n))::bigint AS counted_n,
            sum(parts.occupied_sum) AS occupied_sum,
            sum(parts.usable_sum) AS usable_sum,
            sum(parts.free_spaces_sum) AS free_spaces_sum,
            min(parts.free_spaces_min) AS free_spaces_min,
            max(parts.free_spaces_max) AS free_spaces_max,
            min(parts.entries_total_min) AS entries_total_min,
            max(parts.entries_total_max) AS entries_total_max,
            min(parts.exits_total_min) AS exits_total_min,
            max(parts.exits_total_max) AS exits_total_max
           FROM ( SELECT h.lane,
                    h.group_id,
                    h.device_id,
                    time_bucket('1 day'::interval, h.bucket, "offset" => '-08:00:00'::interval) AS bucket,
                    h.n,
                    h.n_doubtful,
                    h.first_at,
                    h.last_at,
                    h.counted_n,
                    h.occupied_sum,
                    h.usable_sum,
                    h.free_spaces_sum,
                    h.free_spaces_min,
                    h.free_spaces_max,
                    h.entries_total_min,
                    h.entries_total_max,
                    h.exits_total_min,
                    h.exits_total_max
                   FROM parking_hours h
                  WHERE (NOT (EXISTS ( SELECT
                           FROM rollup_marks m
                          WHERE ((m.feed = 'parking'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
                UNION ALL
                 SELECT parking_days_raw.lane,
                    parking_days_raw.group_id,
                    parking_days_raw.device_id,
                    parking_days_raw.bucket,
                    parking_days_raw.n,
                    parking_days_raw.n_doubtful,
                    parking_days_raw.first_at,
                    parking_days_raw.last_at,
                    parking_days_raw.counted_n,
                    parking_days_raw.occupied_sum,
                    parking_days_raw.usable_sum,
                    parking_days_raw.free_spaces_sum,
                    parking_days_raw.free_spaces_min,
                    parking_days_raw.free_spaces_max,
                    parking_days_raw.entries_total_min,
                    parking_days_raw.entries_total_max,
                    parking_days_raw.exits_total_min,
                    parking_days_raw.exits_total_max
                   FROM parking_days_raw
                  WHERE (NOT parking_days_raw.was_dropped)) parts
          GROUP BY parts.lane, parts.group_id, parts.device_id, parts.bucket) by_bucket;

CREATE VIEW v_parking_hours AS
 SELECT lane,
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
    (occupied_sum / NULLIF(usable_sum, (0)::double precision)) AS occupancy,
    (free_spaces_sum / (NULLIF(counted_n, 0))::double precision) AS free_spaces_avg
   FROM ( SELECT h.lane,
            h.group_id,
            h.device_id,
            h.bucket,
            h.n,
            h.n_doubtful,
            h.first_at,
            h.last_at,
            h.counted_n,
            h.occupied_sum,
            h.usable_sum,
            h.free_spaces_sum,
            h.free_spaces_min,
            h.free_spaces_max,
            h.entries_total_min,
            h.entries_total_max,
            h.exits_total_min,
            h.exits_total_max
           FROM parking_hours h
          WHERE (NOT (EXISTS ( SELECT
                   FROM rollup_marks m
                  WHERE ((m.feed = 'parking'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
        UNION ALL
         SELECT parking_hours_raw.lane,
            parking_hours_raw.group_id,
            parking_hours_raw.device_id,
            parking_hours_raw.bucket,
            parking_hours_raw.n,
            parking_hours_raw.n_doubtful,
            parking_hours_raw.first_at,
            parking_hours_raw.last_at,
            parking_hours_raw.counted_n,
            parking_hours_raw.occupied_sum,
            parking_hours_raw.usable_sum,
            parking_hours_raw.free_spaces_sum,
            parking_hours_raw.free_spaces_min,
            parking_hours_raw.free_spaces_max,
            parking_hours_raw.entries_total_min,
            parking_hours_raw.entries_total_max,
            parking_hours_raw.exits_total_min,
            parking_hours_raw.exits_total_max
           FROM parking_hours_raw
          WHERE (NOT parking_hours_raw.was_dropped)) by_bucket;

CREATE VIEW v_parking_latest AS
 SELECT d.lane,
    d.group_id,
    d.device_id,
    d.last_seen_at,
    r.observed_at,
    r.quality,
    r.quality_codes,
    r.total_spaces,
    r.free_spaces,
    r.out_of_service_spaces,
    r.entries_total,
    r.exits_total
   FROM (devices d
     CROSS JOIN LATERAL ( SELECT q.device_id,
            q.group_id,
            q.boot_id,
            q.seq,
            q.observed_at,
            q.quality,
            q.quality_codes,
            q.lane,
            q.lot_name,
            q.total_spaces,
            q.free_spaces,
            q.out_of_service_spaces,
            q.entries_total,
            q.exits_total,
            q.received_at,
            q.stored_at,
            q.kafka_partition,
            q.kafka_offset
           FROM parking_readings q
          WHERE ((q.lane = d.lane) AND (q.device_id = d.device_id) AND (NOT ('future_time'::text = ANY (q.quality_codes))))
          ORDER BY q.observed_at DESC
         LIMIT 1) r)
  WHERE (d.feed = 'parking'::text);

CREATE VIEW v_parking_minutes AS
 SELECT lane,
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
    (occupied_sum / NULLIF(usable_sum, (0)::double precision)) AS occupancy,
    (free_spaces_sum / (NULLIF(counted_n, 0))::double precision) AS free_spaces_avg
   FROM ( SELECT parking_readings.lane,
            parking_readings.group_id,
            parking_readings.device_id,
            time_bucket('00:01:00'::interval, parking_readings.observed_at, "offset" => '-08:00:00'::interval) AS bucket,
            count(*) AS n,
            count(*) FILTER (WHERE ((parking_readings.quality <> 'good'::text) OR (cardinality(parking_readings.quality_codes) > 0))) AS n_doubtful,
            min(parking_readings.observed_at) AS first_at,
            max(parking_readings.observed_at) AS last_at,
            count(*) FILTER (WHERE ((parking_readings.free_spaces >= 0) AND (parking_readings.free_spaces <= parking_readings.total_spaces))) AS counted_n,
            (sum(((parking_readings.total_spaces - parking_readings.out_of_service_spaces) - parking_readings.free_spaces)) FILTER (WHERE ((parking_readings.free_spaces >= 0) AND (parking_readings.free_spaces <= parking_readings.total_spaces))))::double precision AS occupied_sum,
            (sum((parking_readings.total_spaces - parking_readings.out_of_service_spaces)) FILTER (WHERE ((parking_readings.free_spaces >= 0) AND (parking_readings.free_spaces <= parking_readings.total_spaces))))::double precision AS usable_sum,
            (sum(parking_readings.free_spaces) FILTER (WHERE ((parking_readings.free_spaces >= 0) AND (parking_readings.free_spaces <= parking_readings.total_spaces))))::double precision AS free_spaces_sum,
            min(parking_readings.free_spaces) FILTER (WHERE ((parking_readings.free_spaces >= 0) AND (parking_readings.free_spaces <= parking_readings.total_spaces))) AS free_spaces_min,
            max(parking_readings.free_spaces) FILTER (WHERE ((parking_readings.free_spaces >= 0) AND (parking_readings.free_spaces <= parking_readings.total_spaces))) AS free_spaces_max,
            min(parking_readings.entries_total) AS entries_total_min,
            max(parking_readings.entries_total) AS entries_total_max,
            min(parking_readings.exits_total) AS exits_total_min,
            max(parking_readings.exits_total) AS exits_total_max
           FROM parking_readings
          GROUP BY parking_readings.lane, parking_readings.group_id, parking_readings.device_id, (time_bucket('00:01:00'::interval, parking_readings.observed_at, "offset" => '-08:00:00'::interval))) by_bucket;

CREATE VIEW v_parking_readings AS
 SELECT device_id,
    group_id,
    boot_id,
    seq,
    observed_at,
    quality,
    quality_codes,
    lane,
    lot_name,
    total_spaces,
    free_spaces,
    out_of_service_spaces,
    entries_total,
    exits_total,
    received_at,
    stored_at,
    kafka_partition,
    kafka_offset
   FROM parking_readings;

CREATE VIEW v_plan_documents AS
 SELECT kind,
    document_id,
    version,
    valid_from,
    valid_to,
    origin,
    published_at,
    published_by,
    text_sha256,
    document,
    stored_at
   FROM plan_versions;

CREATE VIEW v_plan_targets AS
 WITH latest AS (
         SELECT DISTINCT ON (plan_versions.document_id, plan_versions.version) plan_versions.kind,
            plan_versions.document_id,
            plan_versions.version,
            plan_versions.valid_from,
            plan_versions.valid_to,
            plan_versions.origin,
            plan_versions.published_at,
            plan_versions.published_by,
            plan_versions.text_sha256,
            plan_versions.document,
            plan_versions.stored_at
           FROM plan_versions
          WHERE (plan_versions.kind = 'plan'::text)
          ORDER BY plan_versions.document_id, plan_versions.version, plan_versions.published_at DESC
        ), in_force AS (
         SELECT DISTINCT ON (latest.document_id) latest.kind,
            latest.document_id,
            latest.version,
            latest.valid_from,
            latest.valid_to,
            latest.origin,
            latest.published_at,
            latest.published_by,
            latest.text_sha256,
            latest.document,
            latest.stored_at
           FROM latest
          WHERE (latest.valid_from <= ((now() AT TIME ZONE '08:00:00'::interval))::date)
          ORDER BY latest.document_id, latest.valid_from DESC, latest.published_at DESC
        )
 SELECT (p.i ->> 'id'::text) AS id,
    (p.i ->> 'name'::text) AS name_en,
    COALESCE((p.i ->> 'name_zh'::text), n.text_zh, (p.i ->> 'name'::text)) AS name_zh,
        CASE jsonb_typeof((p.i -> 'page'::text))
            WHEN 'array'::text THEN ('pages '::text || array_to_string(ARRAY( SELECT jsonb_array_elements_text((p.i -> 'page'::text)) AS jsonb_array_elements_text), ', '::text))
            ELSE ('page '::text || (p.i ->> 'page'::text))
        END AS page,
    (p.i ->> 'op'::text) AS comparator,
    ((p.i ->> 'target'::text))::double precision AS target,
    (p.i ->> 'unit'::text) AS unit,
    ((p.i ->> 'due'::text))::date AS due,
    (p.i ->> 'check'::text) AS checked_by,
    (p.i ->> 'feed'::text) AS feed,
    (p.i ->> 'scope'::text) AS scope,
    p.document_id AS plan_id,
    p.version AS plan_version,
    p.ordinality,
    COALESCE(u.text_zh, (p.i ->> 'unit'::text)) AS unit_zh,
    COALESCE(u.text_en, (p.i ->> 'unit'::text)) AS unit_en,
        CASE jsonb_typeof((p.i -> 'page'::text))
            WHEN 'array'::text THEN (('第'::text || array_to_string(ARRAY( SELECT jsonb_array_elements_text((p.i -> 'page'::text)) AS jsonb_array_elements_text), '、'::text)) || '页'::text)
            ELSE (('第'::text || (p.i ->> 'page'::text)) || '页'::text)
        END AS page_zh
   FROM ((( SELECT f.document_id,
            f.version,
            e.i,
            e.ordinality
           FROM in_force f,
            LATERAL jsonb_array_elements((f.document -> 'indicator'::text)) WITH ORDINALITY e(i, ordinality)) p
     LEFT JOIN words n ON (((n.kind = 'indicator'::text) AND (n.code = (p.i ->> 'id'::text)))))
     LEFT JOIN words u ON (((u.kind = 'unit'::text) AND (u.code = (p.i ->> 'unit'::text)))));

CREATE VIEW v_plan_versions AS
 SELECT DISTINCT ON (p.kind, p.document_id, p.version) p.kind,
    p.document_id,
    p.version,
    ((p.document -> p.kind) ->> 'name'::text) AS name,
    p.valid_from,
    p.valid_to,
    p.origin,
    p.published_at,
    p.published_by,
    p.text_sha256,
    COALESCE(((p.document -> p.kind) ->> 'name_zh'::text), w.text_zh, ((p.document -> p.kind) ->> 'name'::text)) AS name_zh
   FROM (plan_versions p
     LEFT JOIN words w ON (((w.kind = 'document_name'::text) AND (w.code = p.document_id))))
  ORDER BY p.kind, p.document_id, p.version, p.published_at DESC;

CREATE VIEW v_reading_conflicts AS
 SELECT d.received_at,
    d.feed,
    d.lane,
    d.device_id,
    d.boot_id,
    d.seq,
    d.detail,
    s.stored,
    convert_from(d.payload, 'UTF8'::name) AS refused,
    d.kafka_topic,
    d.kafka_partition,
    d.kafka_offset
   FROM (dead_letters d
     LEFT JOIN LATERAL ( SELECT to_jsonb(r.*) AS stored
           FROM ev_readings r
          WHERE ((d.feed = 'ev'::text) AND (r.lane = d.lane) AND (r.device_id = d.device_id) AND (r.boot_id = d.boot_id) AND (r.seq = d.seq))
        UNION ALL
         SELECT to_jsonb(r.*) AS stored
           FROM water_readings r
          WHERE ((d.feed = 'water'::text) AND (r.lane = d.lane) AND (r.device_id = d.device_id) AND (r.boot_id = d.boot_id) AND (r.seq = d.seq))
        UNION ALL
         SELECT to_jsonb(r.*) AS stored
           FROM parking_readings r
          WHERE ((d.feed = 'parking'::text) AND (r.lane = d.lane) AND (r.device_id = d.device_id) AND (r.boot_id = d.boot_id) AND (r.seq = d.seq))
        UNION ALL
         SELECT to_jsonb(r.*) AS stored
           FROM emergency_readings r
          WHERE ((d.feed = 'emergency'::text) AND (r.lane = d.lane) AND (r.device_id = d.device_id) AND (r.boot_id = d.boot_id) AND (r.seq = d.seq))
        UNION ALL
         SELECT to_jsonb(r.*) AS stored
           FROM tax_readings r
          WHERE ((d.feed = 'tax'::text) AND (r.lane = d.lane) AND (r.device_id = d.device_id) AND (r.boot_id = d.boot_id) AND (r.seq = d.seq))) s ON (true))
  WHERE ((d.source = 'timescale_sink'::text) AND (d.reason = 'key_reused'::text));

CREATE VIEW v_reading_numbers AS
 SELECT feed,
    lane,
    device_id,
    boot_id,
    segment,
    stored,
    gone
   FROM reading_ledger;

CREATE VIEW v_reading_repeats AS
 SELECT hour,
    feed,
    lane,
    device_id,
    n
   FROM reading_repeats;

CREATE VIEW v_readings_missing AS
 SELECT feed,
    lane,
    device_id,
    boot_id,
    noticed_at,
    (( SELECT COALESCE(sum((upper(n.n) - lower(n.n))), (0)::numeric) AS "coalesce"
           FROM unnest(readings_missing.numbers) n(n)))::bigint AS n,
    (numbers)::text AS numbers,
    ended_at,
    acknowledged_by,
    (told > 0) AS is_alert
   FROM readings_missing;

CREATE VIEW v_sink_progress AS
 SELECT cluster_id,
    topic,
    partition,
    next_offset,
    readings,
    stored,
    duplicates,
    dead_lettered,
    ticks,
    updated_at,
    end_offset,
    last_timestamp,
    proof_offset,
    proof_timestamp
   FROM sink_progress;

CREATE VIEW v_storage AS
 SELECT (h.hypertable_name)::text AS relation,
    h.num_chunks AS chunks,
    (0)::bigint AS compressed_chunks,
    s.total_bytes AS bytes,
    NULL::bigint AS before_bytes,
    NULL::bigint AS after_bytes
   FROM (timescaledb_information.hypertables h
     CROSS JOIN LATERAL hypertable_detailed_size((format('%I.%I'::text, h.hypertable_schema, h.hypertable_name))::regclass) s(table_bytes, index_bytes, toast_bytes, total_bytes, node_name))
  WHERE (h.hypertable_schema = 'public'::name);

CREATE VIEW v_target_figures AS
 SELECT figure_id,
    target_id,
    period_start,
    period_end,
    revision,
    corrects,
    value,
    unit,
    recorded_on,
    source_title,
    source_number,
    source_page,
    source_sha256,
    note,
    plan_id,
    plan_version,
    entered_by,
    entered_by_name,
    entered_at,
    confirmed_by,
    confirmed_by_name,
    confirmed_at,
    kafka_offset
   FROM target_figures;

CREATE VIEW v_target_paths AS
 SELECT s.id,
    NULLIF(s.subject, ''::text) AS subject,
    s.plan_id,
    s.plan_version,
    p.ordinality,
    ((p.point ->> 0))::date AS day,
    ((p.point ->> 1))::double precision AS value
   FROM (target_standings s
     CROSS JOIN LATERAL jsonb_array_elements(s.path) WITH ORDINALITY p(point, ordinality));

CREATE VIEW v_target_states AS
 WITH RECURSIVE known AS (
         SELECT l_1.lane,
            t_1.id,
            s_1.subject
           FROM ((( SELECT devices.lane
                   FROM devices
                UNION
                 SELECT 'live'::text) l_1
             CROSS JOIN v_plan_targets t_1)
             CROSS JOIN LATERAL ( SELECT i.subject
                   FROM indicators i
                  WHERE ((i.lane = l_1.lane) AND (i.id = t_1.id))
                  ORDER BY i.subject
                 LIMIT 1) s_1)
        UNION ALL
         SELECT k.lane,
            k.id,
            s_1.subject
           FROM (known k
             CROSS JOIN LATERAL ( SELECT i.subject
                   FROM indicators i
                  WHERE ((i.lane = k.lane) AND (i.id = k.id) AND (i.subject > k.subject))
                  ORDER BY i.subject
                 LIMIT 1) s_1)
        ), newest AS (
         SELECT i.preference,
            i.lane,
            i.id,
            i.feed,
            i.subject,
            i.subject_name,
            i.period_start,
            i.period_end,
            i.value,
            i.unit,
            i.status,
            i.status_reason,
            i.n,
            i.completeness,
            i.threshold,
            i.revision,
            i.sample_device_id,
            i.sample_boot_id,
            i.sample_seq,
            i.sample_quality,
            i.details,
            i.evidence,
            i.stored_at,
            i.known_at,
            i.status_reason_zh
           FROM (known k
             CROSS JOIN LATERAL (( SELECT 0 AS preference,
                    q.lane,
                    q.id,
                    q.feed,
                    q.subject,
                    q.subject_name,
                    q.period_start,
                    q.period_end,
                    q.value,
                    q.unit,
                    q.status,
                    q.status_reason,
                    q.n,
                    q.completeness,
                    q.threshold,
                    q.revision,
                    q.sample_device_id,
                    q.sample_boot_id,
                    q.sample_seq,
                    q.sample_quality,
                    q.details,
                    q.evidence,
                    q.stored_at,
                    q.known_at,
                    q.status_reason_zh
                   FROM indicators q
                  WHERE ((q.lane = k.lane) AND (q.id = k.id) AND (q.subject = k.subject) AND (q.sample_seq = '-1'::integer) AND ((q.period_end - q.period_start) > '20 days'::interval) AND ((q.period_end - q.period_start) > ( SELECT ((o.period_end - o.period_start) - '5 days'::interval)
                           FROM indicators o
                          WHERE ((o.lane = k.lane) AND (o.id = k.id) AND (o.subject = k.subject) AND (o.sample_seq = '-1'::integer) AND ((o.period_end - o.period_start) > '20 days'::interval))
                          ORDER BY o.period_end DESC, o.period_start
                         LIMIT 1)) AND (q.period_end <= now()) AND (NOT COALESCE((q.details ? 'so_far'::text), false)))
                  ORDER BY q.period_end DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT 1 AS preference,
                    q.lane,
                    q.id,
                    q.feed,
                    q.subject,
                    q.subject_name,
                    q.period_start,
                    q.period_end,
                    q.value,
                    q.unit,
                    q.status,
                    q.status_reason,
                    q.n,
                    q.completeness,
                    q.threshold,
                    q.revision,
                    q.sample_device_id,
                    q.sample_boot_id,
                    q.sample_seq,
                    q.sample_quality,
                    q.details,
                    q.evidence,
                    q.stored_at,
                    q.known_at,
                    q.status_reason_zh
                   FROM indicators q
                  WHERE ((q.lane = k.lane) AND (q.id = k.id) AND (q.subject = k.subject) AND (q.sample_seq = '-1'::integer) AND ((q.period_end - q.period_start) > '20 days'::interval))
                  ORDER BY q.period_end DESC, q.period_start
                 LIMIT 1)
                UNION ALL
                ( SELECT 2 AS preference,
                    q.lane,
                    q.id,
                    q.feed,
                    q.subject,
                    q.subject_name,
                    q.period_start,
                    q.period_end,
                    q.value,
                    q.unit,
                    q.status,
                    q.status_reason,
                    q.n,
                    q.completeness,
                    q.threshold,
                    q.revision,
                    q.sample_device_id,
                    q.sample_boot_id,
                    q.sample_seq,
                    q.sample_quality,
                    q.details,
                    q.evidence,
                    q.stored_at,
                    q.known_at,
                    q.status_reason_zh
                   FROM indicators q
                  WHERE ((q.lane = k.lane) AND (q.id = k.id) AND (q.subject = k.subject) AND (q.sample_seq = '-1'::integer) AND (q.period_end <= now()) AND (NOT COALESCE((q.details ? 'so_far'::text), false)))
                  ORDER BY q.period_start DESC, q.period_end DESC
                 LIMIT 1)
                UNION ALL
                ( SELECT 3 AS preference,
                    q.lane,
                    q.id,
                    q.feed,
                    q.subject,
                    q.subject_name,
                    q.period_start,
                    q.period_end,
                    q.value,
                    q.unit,
                    q.status,
                    q.status_reason,
                    q.n,
                    q.completeness,
                    q.threshold,
                    q.revision,
                    q.sample_device_id,
                    q.sample_boot_id,
                    q.sample_seq,
                    q.sample_quality,
                    q.details,
                    q.evidence,
                    q.stored_at,
                    q.known_at,
                    q.status_reason_zh
                   FROM indicators q
                  WHERE ((q.lane = k.lane) AND (q.id = k.id) AND (q.subject = k.subject) AND (q.sample_seq = '-1'::integer))
                  ORDER BY q.period_start DESC, q.period_end DESC
                 LIMIT 1)
          ORDER BY 1
         LIMIT 1) i)
        ), running AS (
         SELECT i.rank,
            i.lane,
            i.id,
            i.feed,
            i.subject,
            i.subject_name,
            i.period_start,
            i.period_end,
            i.value,
            i.unit,
            i.status,
            i.status_reason,
            i.n,
            i.completeness,
            i.threshold,
            i.revision,
            i.sample_device_id,
            i.sample_boot_id,
            i.sample_seq,
            i.sample_quality,
            i.details,
            i.evidence,
            i.stored_at,
            i.known_at,
            i.status_reason_zh
           FROM (newest n_1
             CROSS JOIN LATERAL (( SELECT 0 AS rank,
                    q.lane,
                    q.id,
                    q.feed,
                    q.subject,
                    q.subject_name,
                    q.period_start,
                    q.period_end,
                    q.value,
                    q.unit,
                    q.status,
                    q.status_reason,
                    q.n,
                    q.completeness,
                    q.threshold,
                    q.revision,
                    q.sample_device_id,
                    q.sample_boot_id,
                    q.sample_seq,
                    q.sample_quality,
                    q.details,
                    q.evidence,
                    q.stored_at,
                    q.known_at,
                    q.status_reason_zh
                   FROM indicators q
                  WHERE ((q.lane = n_1.lane) AND (q.id = n_1.id) AND (q.subject = n_1.subject) AND (q.sample_seq = '-1'::integer) AND ((q.period_end - q.period_start) > '20 days'::interval))
                  ORDER BY q.period_end DESC, q.period_start
                 LIMIT 1)
                UNION ALL
                ( SELECT 1 AS rank,
                    q.lane,
                    q.id,
                    q.feed,
                    q.subject,
                    q.subject_name,
                    q.period_start,
                    q.period_end,
                    q.value,
                    q.unit,
                    q.status,
                    q.status_reason,
                    q.n,
                    q.completeness,
                    q.threshold,
                    q.revision,
                    q.sample_device_id,
                    q.sample_boot_id,
                    q.sample_seq,
                    q.sample_quality,
                    q.details,
                    q.evidence,
                    q.stored_at,
                    q.known_at,
                    q.status_reason_zh
                   FROM indicators q
                  WHERE ((q.lane = n_1.lane) AND (q.id = n_1.id) AND (q.subject = n_1.subject) AND (q.sample_seq = '-1'::integer))
                  ORDER BY q.period_start DESC, q.period_end DESC
                 LIMIT 1)
          ORDER BY 1
         LIMIT 1) i)
          WHERE ((i.period_end > now()) OR COALESCE((i.details ? 'so_far'::text), false))
        )
 SELECT COALESCE(n.lane, 'live'::text) AS lane,
    t.id,
    n.subject,
    COALESCE(n.subject_name, n.subject) AS subject_name,
    t.name_en,
    t.name_zh,
    t.feed,
    t.comparator,
    t.target,
    t.unit,
    t.due,
    t.page,
    t.checked_by,
    t.plan_id,
    t.plan_version,
        CASE t.checked_by
            WHEN 'reported'::text THEN s.value
            ELSE n.value
        END AS value,
        CASE
            WHEN (t.checked_by <> 'reported'::text) THEN COALESCE(n.status, 'cannot_say'::text)
            WHEN (s.standing = 'met'::text) THEN 'met'::text
            WHEN (s.standing = 'missed'::text) THEN 'not_met'::text
            ELSE 'cannot_say'::text
        END AS status,
    COALESCE(
        CASE t.checked_by
            WHEN 'reported'::text THEN s.reason_en
            ELSE n.status_reason
        END,
        CASE t.checked_by
            WHEN 'reported'::text THEN 'The plan office reports this figure; none has been entered.'::text
            ELSE 'No period of this indicator has been judged yet.'::text
        END) AS status_reason,
    n.period_start,
    n.period_end,
    n.known_at,
    n.n,
    n.completeness,
    t.ordinality,
    COALESCE(((n.period_end > now()) OR (n.details ? 'so_far'::text)), false) AS is_running,
    l.value AS running_value,
    ((l.details -> 'so_far'::text) ->> 'status'::text) AS running_status,
    l.period_start AS running_start,
    l.period_end AS running_end,
    t.unit_zh,
    t.unit_en,
    COALESCE(a.name_zh, n.subject_name, n.subject) AS subject_zh,
    COALESCE(a.name_en, n.subject_name, n.subject) AS subject_en,
        CASE
            WHEN ((t.checked_by = 'reported'::text) AND (s.id IS NOT NULL)) THEN s.reason_zh
            WHEN ((n.id IS NOT NULL) AND (t.checked_by <> 'reported'::text)) THEN n.status_reason_zh
            WHEN (t.checked_by = 'reported'::text) THEN '由规划部门填报，尚未填报。'::text
            ELSE '该指标尚无任何时段得出结论。'::text
        END AS status_reason_zh,
    t.page_zh,
    s.holds,
    s.standing,
    s.reason_en AS standing_reason,
    s.reason_zh AS standing_reason_zh,
    s.value AS standing_value,
    s.value_on AS standing_on,
    s.expected,
    s.expected_then,
    s.rate_needed
   FROM ((((v_plan_targets t
     LEFT JOIN newest n USING (id))
     LEFT JOIN running l ON (((l.lane = n.lane) AND (l.id = n.id) AND (l.subject = n.subject))))
     LEFT JOIN target_standings s ON (((s.id = t.id) AND (s.subject = COALESCE(n.subject, ''::text)) AND (COALESCE(n.lane, 'live'::text) = 'live'::text) AND (s.plan_id = t.plan_id) AND (s.plan_version = t.plan_version))))
     LEFT JOIN LATERAL ( SELECT assets.name_zh,
            assets.name_en
           FROM assets
          WHERE ((assets.asset_id = n.subject) AND (COALESCE(assets.feed, n.feed) = n.feed))
          ORDER BY assets.is_device, assets.kind
         LIMIT 1) a ON (true));

CREATE VIEW v_tax_days AS
 SELECT lane,
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
   FROM ( SELECT parts.lane,
            parts.group_id,
            parts.device_id,
            parts.bucket,
            (sum(parts.n))::bigint AS n,
            (sum(parts.n_doubtful))::bigint AS n_doubtful,
            min(parts.first_at) AS first_at,
            max(parts.last_at) AS last_at,
            sum(parts.amount_cny_sum) AS amount_cny_sum,
            (sum(parts.payments_n))::bigint AS payments_n,
            (sum(parts.refunds_n))::bigint AS refunds_n,
            sum(parts.refunded_cny_sum) AS refunded_cny_sum
           FROM ( SELECT h.lane,
                    h.group_id,
                    h.device_id,
                    time_bucket('1 day'::interval, h.bucket, "offset" => '-08:00:00'::interval) AS bucket,
                    h.n,
                    h.n_doubtful,
                    h.first_at,
                    h.last_at,
                    h.amount_cny_sum,
                    h.payments_n,
                    h.refunds_n,
                    h.refunded_cny_sum
                   FROM tax_hours h
                  WHERE (NOT (EXISTS ( SELECT
                           FROM rollup_marks m
                          WHERE ((m.feed = 'tax'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
                UNION ALL
                 SELECT tax_days_raw.lane,
                    tax_days_raw.group_id,
                    tax_days_raw.device_id,
                    tax_days_raw.bucket,
                    tax_days_raw.n,
                    tax_days_raw.n_doubtful,
                    tax_days_raw.first_at,
                    tax_days_raw.last_at,
                    tax_days_raw.amount_cny_sum,
                    tax_days_raw.payments_n,
                    tax_days_raw.refunds_n,
                    tax_days_raw.refunded_cny_sum
                   FROM tax_days_raw
                  WHERE (NOT tax_days_raw.was_dropped)) parts
          GROUP BY parts.lane, parts.group_id, parts.device_id, parts.bucket) by_bucket;

CREATE VIEW v_tax_hours AS
 SELECT lane,
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
   FROM ( SELECT h.lane,
            h.group_id,
            h.device_id,
            h.bucket,
            h.n,
            h.n_doubtful,
            h.first_at,
            h.last_at,
            h.amount_cny_sum,
            h.payments_n,
            h.refunds_n,
            h.refunded_cny_sum
           FROM tax_hours h
          WHERE (NOT (EXISTS ( SELECT
                   FROM rollup_marks m
                  WHERE ((m.feed = 'tax'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
        UNION ALL
         SELECT tax_hours_raw.lane,
            tax_hours_raw.group_id,
            tax_hours_raw.device_id,
            tax_hours_raw.bucket,
            tax_hours_raw.n,
            tax_hours_raw.n_doubtful,
            tax_hours_raw.first_at,
            tax_hours_raw.last_at,
            tax_hours_raw.amount_cny_sum,
            tax_hours_raw.payments_n,
            tax_hours_raw.refunds_n,
            tax_hours_raw.refunded_cny_sum
           FROM tax_hours_raw
          WHERE (NOT tax_hours_raw.was_dropped)) by_bucket;

CREATE VIEW v_tax_minutes AS
 SELECT lane,
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
   FROM ( SELECT tax_readings.lane,
            tax_readings.group_id,
            tax_readings.device_id,
            time_bucket('00:01:00'::interval, tax_readings.observed_at, "offset" => '-08:00:00'::interval) AS bucket,
            count(*) AS n,
            count(*) FILTER (WHERE ((tax_readings.quality <> 'good'::text) OR (cardinality(tax_readings.quality_codes) > 0))) AS n_doubtful,
            min(tax_readings.observed_at) AS first_at,
            max(tax_readings.observed_at) AS last_at,
            sum(tax_readings.amount_cny) AS amount_cny_sum,
            count(*) FILTER (WHERE (tax_readings.entry = 'payment'::text)) AS payments_n,
            count(*) FILTER (WHERE (tax_readings.entry = 'refund'::text)) AS refunds_n,
            sum(tax_readings.amount_cny) FILTER (WHERE (tax_readings.entry = 'refund'::text)) AS refunded_cny_sum
           FROM tax_readings
          GROUP BY tax_readings.lane, tax_readings.group_id, tax_readings.device_id, (time_bucket('00:01:00'::interval, tax_readings.observed_at, "offset" => '-08:00:00'::interval))) by_bucket;

CREATE VIEW v_tax_readings AS
 SELECT device_id,
    group_id,
    boot_id,
    seq,
    observed_at,
    quality,
    quality_codes,
    lane,
    building_id,
    building_name,
    receipt_id,
    entry,
    tax_kind,
    tax_period,
    amount_cny,
    received_at,
    stored_at,
    kafka_partition,
    kafka_offset
   FROM tax_readings;

CREATE VIEW v_water_days AS
 SELECT lane,
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
    (water_temp_c_sum / (NULLIF(water_temp_c_n, 0))::double precision) AS water_temp_c_avg,
    (ph_sum / (NULLIF(ph_n, 0))::double precision) AS ph_avg,
    (do_mg_l_sum / (NULLIF(do_mg_l_n, 0))::double precision) AS do_mg_l_avg,
    (conductivity_us_cm_sum / (NULLIF(conductivity_us_cm_n, 0))::double precision) AS conductivity_us_cm_avg,
    (turbidity_ntu_sum / (NULLIF(turbidity_ntu_n, 0))::double precision) AS turbidity_ntu_avg,
    (codmn_mg_l_sum / (NULLIF(codmn_mg_l_n, 0))::double precision) AS codmn_mg_l_avg,
    (nh3n_mg_l_sum / (NULLIF(nh3n_mg_l_n, 0))::double precision) AS nh3n_mg_l_avg,
    (tp_mg_l_sum / (NULLIF(tp_mg_l_n, 0))::double precision) AS tp_mg_l_avg,
    (tn_mg_l_sum / (NULLIF(tn_mg_l_n, 0))::double precision) AS tn_mg_l_avg,
    (chla_ug_l_sum / (NULLIF(chla_ug_l_n, 0))::double precision) AS chla_ug_l_avg,
    (transparency_m_sum / (NULLIF(transparency_m_n, 0))::double precision) AS transparency_m_avg,
    (algae_cells_l_sum / (NULLIF(algae_cells_l_n, 0))::double precision) AS algae_cells_l_avg
   FROM ( SELECT parts.lane,
            parts.group_id,
            parts.device_id,
            parts.bucket,
            (sum(parts.n))::bigint AS n,
            (sum(parts.n_doubtful))::bigint AS n_doubtful,
            min(parts.first_at) AS first_at,
            max(parts.last_at) AS last_at,
            (sum(parts.water_temp_c_n))::bigint AS water_temp_c_n,
            sum(parts.water_temp_c_sum) AS water_temp_c_sum,
            min(parts.water_temp_c_min) AS water_temp_c_min,
            max(parts.water_temp_c_max) AS water_temp_c_max,
            (sum(parts.ph_n))::bigint AS ph_n,
            sum(parts.ph_sum) AS ph_sum,
            min(parts.ph_min) AS ph_min,
            max(parts.ph_max) AS ph_max,
            (sum(parts.do_mg_l_n))::bigint AS do_mg_l_n,
            sum(parts.do_mg_l_sum) AS do_mg_l_sum,
            min(parts.do_mg_l_min) AS do_mg_l_min,
            max(parts.do_mg_l_max) AS do_mg_l_max,
            (sum(parts.conductivity_us_cm_n))::bigint AS conductivity_us_cm_n,
            sum(parts.conductivity_us_cm_sum) AS conductivity_us_cm_sum,
            min(parts.conductivity_us_cm_min) AS conductivity_us_cm_min,
            max(parts.conductivity_us_cm_max) AS conductivity_us_cm_max,
            (sum(parts.turbidity_ntu_n))::bigint AS turbidity_ntu_n,
            sum(parts.turbidity_ntu_sum) AS turbidity_ntu_sum,
            min(parts.turbidity_ntu_min) AS turbidity_ntu_min,
            max(parts.turbidity_ntu_max) AS turbidity_ntu_max,
            (sum(parts.codmn_mg_l_n))::bigint AS codmn_mg_l_n,
            sum(parts.codmn_mg_l_sum) AS codmn_mg_l_sum,
            min(parts.codmn_mg_l_min) AS codmn_mg_l_min,
            max(parts.codmn_mg_l_max) AS codmn_mg_l_max,
            (sum(parts.nh3n_mg_l_n))::bigint AS nh3n_mg_l_n,
            sum(parts.nh3n_mg_l_sum) AS nh3n_mg_l_sum,
            min(parts.nh3n_mg_l_min) AS nh3n_mg_l_min,
            max(parts.nh3n_mg_l_max) AS nh3n_mg_l_max,
            (sum(parts.tp_mg_l_n))::bigint AS tp_mg_l_n,
            sum(parts.tp_mg_l_sum) AS tp_mg_l_sum,
            min(parts.tp_mg_l_min) AS tp_mg_l_min,
            max(parts.tp_mg_l_max) AS tp_mg_l_max,
            (sum(parts.tn_mg_l_n))::bigint AS tn_mg_l_n,
            sum(parts.tn_mg_l_sum) AS tn_mg_l_sum,
            min(parts.tn_mg_l_min) AS tn_mg_l_min,
            max(parts.tn_mg_l_max) AS tn_mg_l_max,
            (sum(parts.chla_ug_l_n))::bigint AS chla_ug_l_n,
            sum(parts.chla_ug_l_sum) AS chla_ug_l_sum,
            min(parts.chla_ug_l_min) AS chla_ug_l_min,
            max(parts.chla_ug_l_max) AS chla_ug_l_max,
            (sum(parts.transparency_m_n))::bigint AS transparency_m_n,
            sum(parts.transparency_m_sum) AS transparency_m_sum,
            min(parts.transparency_m_min) AS transparency_m_min,
            max(parts.transparency_m_max) AS transparency_m_max,
            (sum(parts.algae_cells_l_n))::bigint AS algae_cells_l_n,
            sum(parts.algae_cells_l_sum) AS algae_cells_l_sum,
            min(parts.algae_cells_l_min) AS algae_cells_l_min,
            max(parts.algae_cells_l_max) AS algae_cells_l_max
           FROM ( SELECT h.lane,
                    h.group_id,
                    h.device_id,
                    time_bucket('1 day'::interval, h.bucket, "offset" => '-08:00:00'::interval) AS bucket,
                    h.n,
                    h.n_doubtful,
                    h.first_at,
                    h.last_at,
                    h.water_temp_c_n,
                    h.water_temp_c_sum,
                    h.water_temp_c_min,
                    h.water_temp_c_max,
                    h.ph_n,
                    h.ph_sum,
                    h.ph_min,
                    h.ph_max,
                    h.do_mg_l_n,
                    h.do_mg_l_sum,
                    h.do_mg_l_min,
                    h.do_mg_l_max,
                    h.conductivity_us_cm_n,
                    h.conductivity_us_cm_sum,
                    h.conductivity_us_cm_min,
                    h.conductivity_us_cm_max,
                    h.turbidity_ntu_n,
                    h.turbidity_ntu_sum,
                    h.turbidity_ntu_min,
                    h.turbidity_ntu_max,
                    h.codmn_mg_l_n,
                    h.codmn_mg_l_sum,
                    h.codmn_mg_l_min,
                    h.codmn_mg_l_max,
                    h.nh3n_mg_l_n,
                    h.nh3n_mg_l_sum,
                    h.nh3n_mg_l_min,
                    h.nh3n_mg_l_max,
                    h.tp_mg_l_n,
                    h.tp_mg_l_sum,
                    h.tp_mg_l_min,
                    h.tp_mg_l_max,
                    h.tn_mg_l_n,
                    h.tn_mg_l_sum,
                    h.tn_mg_l_min,
                    h.tn_mg_l_max,
                    h.chla_ug_l_n,
                    h.chla_ug_l_sum,
                    h.chla_ug_l_min,
                    h.chla_ug_l_max,
                    h.transparency_m_n,
                    h.transparency_m_sum,
                    h.transparency_m_min,
                    h.transparency_m_max,
                    h.algae_cells_l_n,
                    h.algae_cells_l_sum,
                    h.algae_cells_l_min,
                    h.algae_cells_l_max
                   FROM water_hours h
                  WHERE (NOT (EXISTS ( SELECT
                           FROM rollup_marks m
                          WHERE ((m.feed = 'water'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
                UNION ALL
                 SELECT water_days_raw.lane,
                    water_days_raw.group_id,
                    water_days_raw.device_id,
                    water_days_raw.bucket,
                    water_days_raw.n,
                    water_days_raw.n_doubtful,
                    water_days_raw.first_at,
                    water_days_raw.last_at,
                    water_days_raw.water_temp_c_n,
                    water_days_raw.water_temp_c_sum,
                    water_days_raw.water_temp_c_min,
                    water_days_raw.water_temp_c_max,
                    water_days_raw.ph_n,
                    water_days_raw.ph_sum,
                    water_days_raw.ph_min,
                    water_days_raw.ph_max,
                    water_days_raw.do_mg_l_n,
                    water_days_raw.do_mg_l_sum,
                    water_days_raw.do_mg_l_min,
                    water_days_raw.do_mg_l_max,
                    water_days_raw.conductivity_us_cm_n,
                    water_days_raw.conductivity_us_cm_sum,
                    water_days_raw.conductivity_us_cm_min,
                    water_days_raw.conductivity_us_cm_max,
                    water_days_raw.turbidity_ntu_n,
                    water_days_raw.turbidity_ntu_sum,
                    water_days_raw.turbidity_ntu_min,
                    water_days_raw.turbidity_ntu_max,
                    water_days_raw.codmn_mg_l_n,
                    water_days_raw.codmn_mg_l_sum,
                    water_days_raw.codmn_mg_l_min,
                    water_days_raw.codmn_mg_l_max,
                    water_days_raw.nh3n_mg_l_n,
                    water_days_raw.nh3n_mg_l_sum,
                    water_days_raw.nh3n_mg_l_min,
                    water_days_raw.nh3n_mg_l_max,
                    water_days_raw.tp_mg_l_n,
                    water_days_raw.tp_mg_l_sum,
                    water_days_raw.tp_mg_l_min,
                    water_days_raw.tp_mg_l_max,
                    water_days_raw.tn_mg_l_n,
                    water_days_raw.tn_mg_l_sum,
                    water_days_raw.tn_mg_l_min,
                    water_days_raw.tn_mg_l_max,
                    water_days_raw.chla_ug_l_n,
                    water_days_raw.chla_ug_l_sum,
                    water_days_raw.chla_ug_l_min,
                    water_days_raw.chla_ug_l_max,
                    water_days_raw.transparency_m_n,
                    water_days_raw.transparency_m_sum,
                    water_days_raw.transparency_m_min,
                    water_days_raw.transparency_m_max,
                    water_days_raw.algae_cells_l_n,
                    water_days_raw.algae_cells_l_sum,
                    water_days_raw.algae_cells_l_min,
                    water_days_raw.algae_cells_l_max
                   FROM water_days_raw
                  WHERE (NOT water_days_raw.was_dropped)) parts
          GROUP BY parts.lane, parts.group_id, parts.device_id, parts.bucket) by_bucket;

CREATE VIEW v_water_hours AS
 SELECT lane,
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
    (water_temp_c_sum / (NULLIF(water_temp_c_n, 0))::double precision) AS water_temp_c_avg,
    (ph_sum / (NULLIF(ph_n, 0))::double precision) AS ph_avg,
    (do_mg_l_sum / (NULLIF(do_mg_l_n, 0))::double precision) AS do_mg_l_avg,
    (conductivity_us_cm_sum / (NULLIF(conductivity_us_cm_n, 0))::double precision) AS conductivity_us_cm_avg,
    (turbidity_ntu_sum / (NULLIF(turbidity_ntu_n, 0))::double precision) AS turbidity_ntu_avg,
    (codmn_mg_l_sum / (NULLIF(codmn_mg_l_n, 0))::double precision) AS codmn_mg_l_avg,
    (nh3n_mg_l_sum / (NULLIF(nh3n_mg_l_n, 0))::double precision) AS nh3n_mg_l_avg,
    (tp_mg_l_sum / (NULLIF(tp_mg_l_n, 0))::double precision) AS tp_mg_l_avg,
    (tn_mg_l_sum / (NULLIF(tn_mg_l_n, 0))::double precision) AS tn_mg_l_avg,
    (chla_ug_l_sum / (NULLIF(chla_ug_l_n, 0))::double precision) AS chla_ug_l_avg,
    (transparency_m_sum / (NULLIF(transparency_m_n, 0))::double precision) AS transparency_m_avg,
    (algae_cells_l_sum / (NULLIF(algae_cells_l_n, 0))::double precision) AS algae_cells_l_avg
   FROM ( SELECT h.lane,
            h.group_id,
            h.device_id,
            h.bucket,
            h.n,
            h.n_doubtful,
            h.first_at,
            h.last_at,
            h.water_temp_c_n,
            h.water_temp_c_sum,
            h.water_temp_c_min,
            h.water_temp_c_max,
            h.ph_n,
            h.ph_sum,
            h.ph_min,
            h.ph_max,
            h.do_mg_l_n,
            h.do_mg_l_sum,
            h.do_mg_l_min,
            h.do_mg_l_max,
            h.conductivity_us_cm_n,
            h.conductivity_us_cm_sum,
            h.conductivity_us_cm_min,
            h.conductivity_us_cm_max,
            h.turbidity_ntu_n,
            h.turbidity_ntu_sum,
            h.turbidity_ntu_min,
            h.turbidity_ntu_max,
            h.codmn_mg_l_n,
            h.codmn_mg_l_sum,
            h.codmn_mg_l_min,
            h.codmn_mg_l_max,
            h.nh3n_mg_l_n,
            h.nh3n_mg_l_sum,
            h.nh3n_mg_l_min,
            h.nh3n_mg_l_max,
            h.tp_mg_l_n,
            h.tp_mg_l_sum,
            h.tp_mg_l_min,
            h.tp_mg_l_max,
            h.tn_mg_l_n,
            h.tn_mg_l_sum,
            h.tn_mg_l_min,
            h.tn_mg_l_max,
            h.chla_ug_l_n,
            h.chla_ug_l_sum,
            h.chla_ug_l_min,
            h.chla_ug_l_max,
            h.transparency_m_n,
            h.transparency_m_sum,
            h.transparency_m_min,
            h.transparency_m_max,
            h.algae_cells_l_n,
            h.algae_cells_l_sum,
            h.algae_cells_l_min,
            h.algae_cells_l_max
           FROM water_hours h
          WHERE (NOT (EXISTS ( SELECT
                   FROM rollup_marks m
                  WHERE ((m.feed = 'water'::text) AND (m.bucket = h.bucket) AND (NOT m.was_dropped)))))
        UNION ALL
         SELECT water_hours_raw.lane,
            water_hours_raw.group_id,
            water_hours_raw.device_id,
            water_hours_raw.bucket,
            water_hours_raw.n,
            water_hours_raw.n_doubtful,
            water_hours_raw.first_at,
            water_hours_raw.last_at,
            water_hours_raw.water_temp_c_n,
            water_hours_raw.water_temp_c_sum,
            water_hours_raw.water_temp_c_min,
            water_hours_raw.water_temp_c_max,
            water_hours_raw.ph_n,
            water_hours_raw.ph_sum,
            water_hours_raw.ph_min,
            water_hours_raw.ph_max,
            water_hours_raw.do_mg_l_n,
            water_hours_raw.do_mg_l_sum,
            water_hours_raw.do_mg_l_min,
            water_hours_raw.do_mg_l_max,
            water_hours_raw.conductivity_us_cm_n,
            water_hours_raw.conductivity_us_cm_sum,
            water_hours_raw.conductivity_us_cm_min,
            water_hours_raw.conductivity_us_cm_max,
            water_hours_raw.turbidity_ntu_n,
            water_hours_raw.turbidity_ntu_sum,
            water_hours_raw.turbidity_ntu_min,
            water_hours_raw.turbidity_ntu_max,
            water_hours_raw.codmn_mg_l_n,
            water_hours_raw.codmn_mg_l_sum,
            water_hours_raw.codmn_mg_l_min,
            water_hours_raw.codmn_mg_l_max,
            water_hours_raw.nh3n_mg_l_n,
            water_hours_raw.nh3n_mg_l_sum,
            water_hours_raw.nh3n_mg_l_min,
            water_hours_raw.nh3n_mg_l_max,
            water_hours_raw.tp_mg_l_n,
            water_hours_raw.tp_mg_l_sum,
            water_hours_raw.tp_mg_l_min,
            water_hours_raw.tp_mg_l_max,
            water_hours_raw.tn_mg_l_n,
            water_hours_raw.tn_mg_l_sum,
            water_hours_raw.tn_mg_l_min,
            water_hours_raw.tn_mg_l_max,
            water_hours_raw.chla_ug_l_n,
            water_hours_raw.chla_ug_l_sum,
            water_hours_raw.chla_ug_l_min,
            water_hours_raw.chla_ug_l_max,
            water_hours_raw.transparency_m_n,
            water_hours_raw.transparency_m_sum,
            water_hours_raw.transparency_m_min,
            water_hours_raw.transparency_m_max,
            water_hours_raw.algae_cells_l_n,
            water_hours_raw.algae_cells_l_sum,
            water_hours_raw.algae_cells_l_min,
            water_hours_raw.algae_cells_l_max
           FROM water_hours_raw
          WHERE (NOT water_hours_raw.was_dropped)) by_bucket;

CREATE VIEW v_water_latest AS
 SELECT d.lane,
    d.group_id,
    d.device_id,
    d.last_seen_at,
    r.observed_at,
    r.quality,
    r.quality_codes,
    r.water_temp_c,
    r.ph,
    r.do_mg_l,
    r.conductivity_us_cm,
    r.turbidity_ntu,
    r.codmn_mg_l,
    r.nh3n_mg_l,
    r.tp_mg_l,
    r.tn_mg_l,
    r.chla_ug_l,
    r.transparency_m,
    r.algae_cells_l
   FROM (devices d
     CROSS JOIN LATERAL ( SELECT q.device_id,
            q.group_id,
            q.boot_id,
            q.seq,
            q.observed_at,
            q.quality,
            q.quality_codes,
            q.lane,
            q.water_body,
            q.station_name,
            q.water_temp_c,
            q.ph,
            q.do_mg_l,
            q.conductivity_us_cm,
            q.turbidity_ntu,
            q.codmn_mg_l,
            q.nh3n_mg_l,
            q.tp_mg_l,
            q.tn_mg_l,
            q.chla_ug_l,
            q.transparency_m,
            q.algae_cells_l,
            q.received_at,
            q.stored_at,
            q.kafka_partition,
            q.kafka_offset
           FROM water_readings q
          WHERE ((q.lane = d.lane) AND (q.device_id = d.device_id) AND (NOT ('future_time'::text = ANY (q.quality_codes))))
          ORDER BY q.observed_at DESC
         LIMIT 1) r)
  WHERE (d.feed = 'water'::text);

CREATE VIEW v_water_minutes AS
 SELECT lane,
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
    (water_temp_c_sum / (NULLIF(water_temp_c_n, 0))::double precision) AS water_temp_c_avg,
    (ph_sum / (NULLIF(ph_n, 0))::double precision) AS ph_avg,
    (do_mg_l_sum / (NULLIF(do_mg_l_n, 0))::double precision) AS do_mg_l_avg,
    (conductivity_us_cm_sum / (NULLIF(conductivity_us_cm_n, 0))::double precision) AS conductivity_us_cm_avg,
    (turbidity_ntu_sum / (NULLIF(turbidity_ntu_n, 0))::double precision) AS turbidity_ntu_avg,
    (codmn_mg_l_sum / (NULLIF(codmn_mg_l_n, 0))::double precision) AS codmn_mg_l_avg,
    (nh3n_mg_l_sum / (NULLIF(nh3n_mg_l_n, 0))::double precision) AS nh3n_mg_l_avg,
    (tp_mg_l_sum / (NULLIF(tp_mg_l_n, 0))::double precision) AS tp_mg_l_avg,
    (tn_mg_l_sum / (NULLIF(tn_mg_l_n, 0))::double precision) AS tn_mg_l_avg,
    (chla_ug_l_sum / (NULLIF(chla_ug_l_n, 0))::double precision) AS chla_ug_l_avg,
    (transparency_m_sum / (NULLIF(transparency_m_n, 0))::double precision) AS transparency_m_avg,
    (algae_cells_l_sum / (NULLIF(algae_cells_l_n, 0))::double precision) AS algae_cells_l_avg
   FROM ( SELECT water_readings.lane,
            water_readings.group_id,
            water_readings.device_id,
            time_bucket('00:01:00'::interval, water_readings.observed_at, "offset" => '-08:00:00'::interval) AS bucket,
            count(*) AS n,
            count(*) FILTER (WHERE ((water_readings.quality <> 'good'::text) OR (cardinality(water_readings.quality_codes) > 0))) AS n_doubtful,
            min(water_readings.observed_at) AS first_at,
            max(water_readings.observed_at) AS last_at,
            count(water_readings.water_temp_c) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS water_temp_c_n,
            sum(water_readings.water_temp_c) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS water_temp_c_sum,
            min(water_readings.water_temp_c) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS water_temp_c_min,
            max(water_readings.water_temp_c) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS water_temp_c_max,
            count(water_readings.ph) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS ph_n,
            sum(water_readings.ph) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS ph_sum,
            min(water_readings.ph) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS ph_min,
            max(water_readings.ph) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS ph_max,
            count(water_readings.do_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS do_mg_l_n,
            sum(water_readings.do_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS do_mg_l_sum,
            min(water_readings.do_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS do_mg_l_min,
            max(water_readings.do_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS do_mg_l_max,
            count(water_readings.conductivity_us_cm) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS conductivity_us_cm_n,
            sum(water_readings.conductivity_us_cm) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS conductivity_us_cm_sum,
            min(water_readings.conductivity_us_cm) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS conductivity_us_cm_min,
            max(water_readings.conductivity_us_cm) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS conductivity_us_cm_max,
            count(water_readings.turbidity_ntu) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS turbidity_ntu_n,
            sum(water_readings.turbidity_ntu) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS turbidity_ntu_sum,
            min(water_readings.turbidity_ntu) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS turbidity_ntu_min,
            max(water_readings.turbidity_ntu) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS turbidity_ntu_max,
            count(water_readings.codmn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS codmn_mg_l_n,
            sum(water_readings.codmn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS codmn_mg_l_sum,
            min(water_readings.codmn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS codmn_mg_l_min,
            max(water_readings.codmn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS codmn_mg_l_max,
            count(water_readings.nh3n_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS nh3n_mg_l_n,
            sum(water_readings.nh3n_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS nh3n_mg_l_sum,
            min(water_readings.nh3n_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS nh3n_mg_l_min,
            max(water_readings.nh3n_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS nh3n_mg_l_max,
            count(water_readings.tp_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tp_mg_l_n,
            sum(water_readings.tp_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tp_mg_l_sum,
            min(water_readings.tp_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tp_mg_l_min,
            max(water_readings.tp_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tp_mg_l_max,
            count(water_readings.tn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tn_mg_l_n,
            sum(water_readings.tn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tn_mg_l_sum,
            min(water_readings.tn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tn_mg_l_min,
            max(water_readings.tn_mg_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS tn_mg_l_max,
            count(water_readings.chla_ug_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS chla_ug_l_n,
            sum(water_readings.chla_ug_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS chla_ug_l_sum,
            min(water_readings.chla_ug_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS chla_ug_l_min,
            max(water_readings.chla_ug_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS chla_ug_l_max,
            count(water_readings.transparency_m) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS transparency_m_n,
            sum(water_readings.transparency_m) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS transparency_m_sum,
            min(water_readings.transparency_m) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS transparency_m_min,
            max(water_readings.transparency_m) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS transparency_m_max,
            count(water_readings.algae_cells_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS algae_cells_l_n,
            sum(water_readings.algae_cells_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS algae_cells_l_sum,
            min(water_readings.algae_cells_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS algae_cells_l_min,
            max(water_readings.algae_cells_l) FILTER (WHERE (water_readings.quality = ANY (ARRAY['good'::text, 'manual'::text]))) AS algae_cells_l_max
           FROM water_readings
          GROUP BY water_readings.lane, water_readings.group_id, water_readings.device_id, (time_bucket('00:01:00'::interval, water_readings.observed_at, "offset" => '-08:00:00'::interval))) by_bucket;

CREATE VIEW v_water_readings AS
 SELECT device_id,
    group_id,
    boot_id,
    seq,
    observed_at,
    quality,
    quality_codes,
    lane,
    water_body,
    station_name,
    water_temp_c,
    ph,
    do_mg_l,
    conductivity_us_cm,
    turbidity_ntu,
    codmn_mg_l,
    nh3n_mg_l,
    tp_mg_l,
    tn_mg_l,
    chla_ug_l,
    transparency_m,
    algae_cells_l,
    received_at,
    stored_at,
    kafka_partition,
    kafka_offset
   FROM water_readings;

CREATE VIEW v_words AS
 SELECT kind,
    code,
    text_zh,
    text_en
   FROM words;
