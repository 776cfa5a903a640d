-- What readings and verdicts are read beside: plan versions, the register of assets, deliveries, how long things are kept,
-- and how the intake goes. The reader sees views only.

CREATE TABLE plan_versions (
    kind text NOT NULL CHECK (kind IN ('plan', 'standard', 'policy')),
    document_id text NOT NULL,
    version text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    origin text NOT NULL CHECK (origin IN ('file', 'published')),
    published_at timestamptz NOT NULL,
    published_by text NOT NULL,
    text_sha256 text NOT NULL,
    document jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, document_id, version, published_at)
);
COMMENT ON TABLE plan_versions IS
    'Every publication of a version of a plan, standard or policy; the latest published_at of a version is what counts.';

CREATE TABLE assets (
    kind text NOT NULL CHECK (kind IN (
        'district', 'street', 'zone', 'lake', 'station', 'site', 'connector', 'lot', 'dispatch', 'post', 'unit',
        'building', 'office', 'cell'
    )),
    asset_id text NOT NULL,
    feed text CHECK (feed IN ('ev', 'water', 'parking', 'emergency', 'tax')),
    name_zh text NOT NULL,
    name_en text NOT NULL,
    parent_kind text,
    parent_id text,
    zone text,
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    approximate boolean NOT NULL,
    capacity double precision,
    capacity_unit text,
    limit_value double precision,
    limit_unit text,
    is_device boolean NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retired_at timestamptz,
    PRIMARY KEY (kind, asset_id),
    CHECK ((parent_kind IS NULL) = (parent_id IS NULL)),
    CHECK ((capacity IS NULL) = (capacity_unit IS NULL)),
    CHECK ((limit_value IS NULL) = (limit_unit IS NULL))
);
CREATE INDEX assets_by_id ON assets (asset_id);
COMMENT ON COLUMN assets.longitude IS 'Degrees east, WGS-84 (EPSG:4326); never GCJ-02 or BD-09.';
COMMENT ON COLUMN assets.latitude IS 'Degrees north, WGS-84 (EPSG:4326); never GCJ-02 or BD-09.';
COMMENT ON COLUMN assets.retired_at IS 'When it left the register; its history stays.';

CREATE TABLE alert_deliveries (
    event_id text NOT NULL,
    receiver text NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    alert_id text NOT NULL,
    lane text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'refused', 'failed', 'withheld')),
    http_status integer,
    attempted_at timestamptz NOT NULL,
    seconds double precision,
    detail text NOT NULL DEFAULT '',
    PRIMARY KEY (event_id, receiver, attempt)
);
CREATE INDEX alert_deliveries_by_time ON alert_deliveries (attempted_at);
COMMENT ON TABLE alert_deliveries IS 'One row an attempt to hand an alert event to a receiver such as the city brain.';

-- Kept by the sink in the transaction of the rows, so that it adds up with sink_progress at every moment.
CREATE TABLE intake_minutes (
    minute timestamptz NOT NULL,
    feed text NOT NULL,
    readings bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead_lettered bigint NOT NULL DEFAULT 0,
    live bigint NOT NULL DEFAULT 0,
    arrival_s_sum double precision NOT NULL DEFAULT 0,
    arrival_s_max double precision NOT NULL DEFAULT 0,
    storing_s_sum double precision NOT NULL DEFAULT 0,
    storing_s_max double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (minute, feed),
    CHECK (readings = stored + duplicates + dead_lettered)
);
COMMENT ON TABLE intake_minutes IS
    'Readings by feed and minute of the sink''s clock. arrival: observed to received by the bridge, lane live, not below 0;'
    ' storing: received to written.';

ALTER TABLE sink_progress ADD COLUMN end_offset bigint;
COMMENT ON COLUMN sink_progress.end_offset IS 'End of the partition when it was last read; less next_offset is the lag.';
DROP VIEW v_sink_progress;
CREATE VIEW v_sink_progress AS SELECT * FROM sink_progress;

CREATE TABLE storage_ages (
    what text PRIMARY KEY CHECK (what IN ('raw', 'minutes', 'hours', 'days', 'letters')),
    months integer NOT NULL CHECK (months > 0)
);
COMMENT ON TABLE storage_ages IS 'From deploy/timescaledb/storage.toml, written when migrations run.';

-- What may go at a moment: chunks whose whole range is older than its age and that were made as long ago. History that was
-- imported or replayed lately stays as long as what was measured lately.
CREATE FUNCTION expired_chunks(moment timestamptz)
RETURNS TABLE (relation text, chunk text, range_start timestamptz, range_end timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.hypertable_name::text, format('%I.%I', c.chunk_schema, c.chunk_name), c.range_start, c.range_end
    FROM (VALUES
        ('ev_readings', 'raw'), ('water_readings', 'raw'), ('parking_readings', 'raw'),
        ('emergency_readings', 'raw'), ('tax_readings', 'raw'), ('dead_letters', 'letters')
    ) AS h (name, what)
    JOIN storage_ages AS a USING (what)
    JOIN timescaledb_information.chunks AS c ON c.hypertable_schema = 'public' AND c.hypertable_name = h.name
    WHERE greatest(c.range_end, c.chunk_creation_time) < moment - make_interval(months => a.months)
$$;

CREATE FUNCTION drop_expired_chunks(moment timestamptz) RETURNS TABLE (relation text, chunk text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT * FROM expired_chunks(moment) LOOP
        RETURN QUERY
        SELECT each.relation, dropped::text
        FROM drop_chunks(
            format('public.%I', each.relation)::regclass, older_than => each.range_end, newer_than => each.range_start
        ) AS dropped;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION drop_expired_chunks(timestamptz) FROM PUBLIC;

-- The writer may let chunks go that are past the owner's ages now, and nothing else.
CREATE FUNCTION drop_expired_chunks() RETURNS TABLE (relation text, chunk text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM drop_expired_chunks(now())
$$;
REVOKE ALL ON FUNCTION drop_expired_chunks() FROM PUBLIC;

-- Faults are rare and asked for over months.
CREATE INDEX ev_readings_faults ON ev_readings (observed_at) WHERE status = 'fault';

CREATE INDEX indicators_by_id ON indicators (lane, id, subject, period_start DESC, period_end DESC);
CREATE INDEX alerts_by_time ON alerts (lane, started_at DESC);
CREATE INDEX alert_events_by_time ON alert_events (stored_at);
