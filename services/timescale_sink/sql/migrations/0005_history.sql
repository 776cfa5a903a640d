-- A day and the month that it begins are two indicators; each revision is kept with when it was said; alerts say whether
-- they are suppressed, what they stand for and which further limits they rest on.

ALTER TABLE indicators DROP CONSTRAINT indicators_pkey;
ALTER TABLE indicators ADD PRIMARY KEY
    (lane, id, subject, period_start, period_end, sample_device_id, sample_boot_id, sample_seq);
ALTER TABLE indicators ADD COLUMN known_at timestamptz;
CREATE OR REPLACE VIEW v_indicators AS SELECT * FROM indicators;

CREATE TABLE indicator_history (
    lane text NOT NULL,
    id text NOT NULL,
    feed text NOT NULL,
    subject text NOT NULL,
    subject_name text,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    revision integer NOT NULL,
    known_at timestamptz,
    value double precision,
    unit text NOT NULL,
    status text NOT NULL,
    status_reason text NOT NULL,
    n integer NOT NULL,
    completeness double precision NOT NULL,
    threshold jsonb,
    details jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lane, id, subject, period_start, period_end, revision)
);
SELECT create_hypertable(
    'indicator_history', 'period_start', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE
);
COMMENT ON TABLE indicator_history IS
    'Every revision of an indicator over a period: as reported on a day is the latest with known_at up to that day.';
CREATE VIEW v_indicator_history AS SELECT * FROM indicator_history;

ALTER TABLE alerts ADD COLUMN limits jsonb NOT NULL DEFAULT '[]';
ALTER TABLE alerts ADD COLUMN suppression jsonb;
ALTER TABLE alerts ADD COLUMN members jsonb NOT NULL DEFAULT '[]';

CREATE OR REPLACE VIEW v_alerts AS
SELECT
    lane,
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
    (threshold ->> 'value')::double precision AS threshold_value,
    threshold ->> 'unit' AS threshold_unit,
    threshold ->> 'comparator' AS threshold_comparator,
    threshold -> 'source' ->> 'kind' AS source_kind,
    threshold -> 'source' ->> 'id' AS source_id,
    threshold -> 'source' ->> 'version' AS source_version,
    threshold -> 'source' ->> 'where' AS source_where,
    text_zh,
    text_en,
    evidence,
    superseded_by,
    suppression IS NOT NULL AS suppressed,
    suppression,
    members,
    limits
FROM alerts;

CREATE OR REPLACE VIEW v_open_alerts AS
SELECT *
FROM v_alerts
WHERE ended_at IS NULL AND event <> 'retracted' AND superseded_by IS NULL;
