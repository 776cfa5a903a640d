-- What was refused, what was judged, and how far the sink has come.

CREATE TABLE dead_letters (
    received_at timestamptz NOT NULL,
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
    dl_offset bigint NOT NULL,
    PRIMARY KEY (received_at, dl_partition, dl_offset)
);
SELECT create_hypertable('dead_letters', 'received_at', chunk_time_interval => INTERVAL '7 days');
CREATE INDEX dead_letters_by_device ON dead_letters (boot_id, device_id, seq);

CREATE TABLE indicators (
    lane text NOT NULL,
    id text NOT NULL,
    feed text NOT NULL,
    subject text NOT NULL,
    subject_name text,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    value double precision,
    unit text NOT NULL,
    status text NOT NULL,
    status_reason text NOT NULL,
    n integer NOT NULL,
    completeness double precision NOT NULL,
    threshold jsonb,
    revision integer NOT NULL,
    sample_device_id text NOT NULL DEFAULT '',
    sample_boot_id text NOT NULL DEFAULT '',
    sample_seq bigint NOT NULL DEFAULT -1,
    sample_quality text,
    details jsonb NOT NULL,
    evidence jsonb,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, id, subject, period_start, sample_device_id, sample_boot_id, sample_seq)
);
SELECT create_hypertable('indicators', 'period_start', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE);

CREATE TABLE alert_events (
    event_id text PRIMARY KEY,
    alert_id text NOT NULL,
    revision integer NOT NULL,
    event text NOT NULL,
    lane text NOT NULL,
    data jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX alert_events_by_alert ON alert_events (alert_id, revision);

CREATE TABLE alerts (
    alert_id text PRIMARY KEY,
    revision integer NOT NULL,
    event text NOT NULL,
    rule text NOT NULL,
    feed text NOT NULL,
    lane text NOT NULL,
    asset text NOT NULL,
    place text NOT NULL,
    severity text NOT NULL,
    started_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    ended_at timestamptz,
    observed_value double precision,
    observed_unit text NOT NULL,
    threshold jsonb NOT NULL,
    evidence jsonb,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    superseded_by text,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN alerts.superseded_by IS
    'A later alert of the same rule and asset that is open as well; the later one is what operators see.';
CREATE UNIQUE INDEX one_open_alert ON alerts (lane, rule, asset)
    WHERE ended_at IS NULL AND event <> 'retracted' AND superseded_by IS NULL;

CREATE TABLE devices (
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    group_id text NOT NULL,
    boot_id text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (feed, lane, device_id)
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
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster_id, topic, partition),
    CHECK (readings = stored + duplicates + dead_lettered)
);
COMMENT ON TABLE sink_progress IS
    'Written in the transaction of the rows: a record below next_offset has been handled and is never counted again.';
