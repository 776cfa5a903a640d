-- What dashboards and the API read beside readings, rollups and verdicts. The reader sees these views and nothing else.

-- The last publication of each version.
CREATE VIEW v_plan_versions AS
SELECT DISTINCT ON (kind, document_id, version)
    kind,
    document_id,
    version,
    document -> kind ->> 'name' AS name,
    valid_from,
    valid_to,
    origin,
    published_at,
    published_by,
    text_sha256
FROM plan_versions
ORDER BY kind, document_id, version, published_at DESC;

-- The quantified targets of each plan in force today (local day, +08:00).
CREATE VIEW v_plan_targets AS
WITH latest AS (
    SELECT DISTINCT ON (document_id, version) *
    FROM plan_versions
    WHERE kind = 'plan'
    ORDER BY document_id, version, published_at DESC
),
in_force AS (
    SELECT DISTINCT ON (document_id) *
    FROM latest
    WHERE valid_from <= (now() AT TIME ZONE INTERVAL '+08:00')::date
    ORDER BY document_id, valid_from DESC, published_at DESC
)
SELECT
    i ->> 'id' AS id,
    i ->> 'name' AS name_en,
    coalesce(i ->> 'name_zh', i ->> 'name') AS name_zh,
    CASE jsonb_typeof(i -> 'page')
        WHEN 'array' THEN 'pages ' || array_to_string(ARRAY(SELECT jsonb_array_elements_text(i -> 'page')), ', ')
        ELSE 'page ' || (i ->> 'page')
    END AS page,
    i ->> 'op' AS comparator,
    (i ->> 'target')::double precision AS target,
    i ->> 'unit' AS unit,
    (i ->> 'due')::date AS due,
    i ->> 'check' AS checked_by,
    i ->> 'feed' AS feed,
    i ->> 'scope' AS scope,
    p.document_id AS plan_id,
    p.version AS plan_version,
    p.ordinality
FROM (
    SELECT f.document_id, f.version, e.i, e.ordinality
    FROM in_force AS f, LATERAL jsonb_array_elements(f.document -> 'indicator') WITH ORDINALITY AS e (i, ordinality)
) AS p;

-- Each target with the newest indicator of each of its subjects; one without any indicator stands alone. Subjects are found by
-- stepping from one to the next in the index, so years of indicators cost no more than those of a day.
CREATE VIEW v_target_states AS
WITH RECURSIVE known AS (
    SELECT l.lane, t.id, s.subject
    FROM (SELECT lane FROM devices UNION SELECT 'live') AS l
    CROSS JOIN v_plan_targets AS t
    CROSS JOIN LATERAL (
        SELECT i.subject FROM indicators AS i WHERE i.lane = l.lane AND i.id = t.id ORDER BY i.subject LIMIT 1
    ) AS s
    UNION ALL
    SELECT k.lane, k.id, s.subject
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT i.subject
        FROM indicators AS i
        WHERE i.lane = k.lane AND i.id = k.id AND i.subject > k.subject
        ORDER BY i.subject
        LIMIT 1
    ) AS s
),
newest AS (
    SELECT i.*
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT *
        FROM indicators AS q
        WHERE q.lane = k.lane AND q.id = k.id AND q.subject = k.subject AND q.sample_seq = -1
        ORDER BY q.period_start DESC, q.period_end DESC
        LIMIT 1
    ) AS i
)
SELECT
    coalesce(n.lane, 'live') AS lane,
    t.id,
    n.subject,
    coalesce(n.subject_name, n.subject) AS subject_name,
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
    n.value,
    coalesce(n.status, 'cannot_say') AS status,
    coalesce(
        n.status_reason,
        CASE t.checked_by
            WHEN 'reported' THEN 'The plan office reports this figure; none has been entered.'
            ELSE 'No period of this indicator has been judged yet.'
        END
    ) AS status_reason,
    n.period_start,
    n.period_end,
    n.known_at,
    n.n,
    n.completeness,
    t.ordinality
FROM v_plan_targets AS t
LEFT JOIN newest AS n USING (id);

CREATE VIEW v_assets AS SELECT * FROM assets WHERE retired_at IS NULL;

-- Each asset with its worst open alert: its own, or one of what belongs to it. I is the worst.
CREATE VIEW v_asset_states AS
WITH open_alerts AS (
    SELECT lane, feed, asset, min(severity) AS severity, count(*) AS n, min(started_at) AS since
    FROM alerts
    WHERE ended_at IS NULL AND event <> 'retracted' AND superseded_by IS NULL AND suppression IS NULL
    GROUP BY lane, feed, asset
),
lanes AS (SELECT 'live' AS lane UNION SELECT lane FROM open_alerts),
shown AS (
    SELECT a.kind, a.asset_id, o.lane, o.severity, o.n, o.since
    FROM assets AS a JOIN open_alerts AS o ON o.asset = a.asset_id AND o.feed = a.feed
    UNION ALL
    SELECT a.parent_kind, a.parent_id, o.lane, o.severity, o.n, o.since
    FROM assets AS a JOIN open_alerts AS o ON o.asset = a.asset_id AND o.feed = a.feed
    WHERE a.parent_id IS NOT NULL
),
worst AS (
    SELECT kind, asset_id, lane, min(severity) AS severity, sum(n)::bigint AS n, min(since) AS since
    FROM shown
    GROUP BY kind, asset_id, lane
),
seen AS (
    SELECT feed, lane, device_id AS asset_id, group_id, last_seen_at FROM devices
)
SELECT
    l.lane,
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
    coalesce(w.n, 0) AS open_alerts,
    w.since,
    s.last_seen_at,
    CASE
        WHEN w.severity IS NOT NULL THEN w.severity
        WHEN s.last_seen_at IS NULL THEN 'unseen'
        ELSE 'ok'
    END AS state
FROM lanes AS l
CROSS JOIN assets AS a
LEFT JOIN worst AS w USING (lane, kind, asset_id)
LEFT JOIN LATERAL (
    SELECT max(d.last_seen_at) AS last_seen_at
    FROM seen AS d
    WHERE d.lane = l.lane AND d.feed = a.feed AND (d.asset_id = a.asset_id OR d.group_id = a.asset_id
        OR d.asset_id IN (SELECT c.asset_id FROM assets AS c WHERE c.parent_id = a.asset_id AND c.parent_kind = a.kind))
) AS s ON TRUE
WHERE a.retired_at IS NULL AND a.feed IS NOT NULL AND a.kind NOT IN ('connector', 'office', 'dispatch', 'cell');

-- Alerts as they stand, with the asset they are about.
CREATE VIEW v_alert_places AS
SELECT
    v.*,
    a.kind AS asset_kind,
    coalesce(a.name_zh, v.place) AS asset_name_zh,
    coalesce(a.name_en, v.place) AS asset_name_en,
    a.zone,
    a.longitude,
    a.latitude
FROM v_alerts AS v
LEFT JOIN LATERAL (
    SELECT kind, name_zh, name_en, zone, longitude, latitude
    FROM assets
    WHERE asset_id = v.asset AND feed = v.feed
    ORDER BY is_device DESC, kind
    LIMIT 1
) AS a ON TRUE;

-- The newest reading of each device by the time it was observed; one dated ahead of the platform's clock waits.
CREATE VIEW v_ev_latest AS
SELECT
    d.lane,
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
FROM devices AS d
CROSS JOIN LATERAL (
    SELECT q.*
    FROM ev_readings AS q
    WHERE q.lane = d.lane AND q.device_id = d.device_id AND NOT 'future_time' = ANY (q.quality_codes)
    ORDER BY q.observed_at DESC
    LIMIT 1
) AS r
WHERE d.feed = 'ev';

-- The newest reading of each device by the time it was observed; one dated ahead of the platform's clock waits.
CREATE VIEW v_water_latest AS
SELECT
    d.lane,
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
FROM devices AS d
CROSS JOIN LATERAL (
    SELECT q.*
    FROM water_readings AS q
    WHERE q.lane = d.lane AND q.device_id = d.device_id AND NOT 'future_time' = ANY (q.quality_codes)
    ORDER BY q.observed_at DESC
    LIMIT 1
) AS r
WHERE d.feed = 'water';

-- The newest reading of each device by the time it was observed; one dated ahead of the platform's clock waits.
CREATE VIEW v_parking_latest AS
SELECT
    d.lane,
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
FROM devices AS d
CROSS JOIN LATERAL (
    SELECT q.*
    FROM parking_readings AS q
    WHERE q.lane = d.lane AND q.device_id = d.device_id AND NOT 'future_time' = ANY (q.quality_codes)
    ORDER BY q.observed_at DESC
    LIMIT 1
) AS r
WHERE d.feed = 'parking';

-- The newest reading of each device by the time it was observed; one dated ahead of the platform's clock waits.
CREATE VIEW v_emergency_latest AS
SELECT
    d.lane,
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
FROM devices AS d
CROSS JOIN LATERAL (
    SELECT q.*
    FROM emergency_readings AS q
    WHERE q.lane = d.lane AND q.device_id = d.device_id AND NOT 'future_time' = ANY (q.quality_codes) AND q.unit_state IS NOT NULL
    ORDER BY q.observed_at DESC
    LIMIT 1
) AS r
WHERE d.feed = 'emergency';

CREATE VIEW v_intake_minutes AS SELECT * FROM intake_minutes;

-- How each feed does: who is registered and who was heard, how fast readings come, what share came in the last hour.
CREATE VIEW v_feed_health AS
SELECT
    f.feed,
    coalesce(r.registered, 0) AS registered,
    coalesce(d.known, 0) AS known,
    coalesce(d.heard, 0) AS heard,
    d.last_seen_at,
    coalesce(i.readings, 0) / 300.0::double precision AS readings_per_s,
    CASE WHEN coalesce(r.registered, 0) > 0 THEN least(1.0, coalesce(d.heard, 0)::double precision / r.registered) END
        AS completeness
FROM (VALUES ('ev'), ('water'), ('parking'), ('emergency'), ('tax')) AS f (feed)
LEFT JOIN (
    SELECT feed, count(*) AS registered FROM assets WHERE is_device AND retired_at IS NULL GROUP BY feed
) AS r USING (feed)
LEFT JOIN (
    SELECT
        feed,
        count(*) AS known,
        count(*) FILTER (WHERE last_seen_at > now() - INTERVAL '1 hour') AS heard,
        max(last_seen_at) AS last_seen_at
    FROM devices
    WHERE lane = 'live'
    GROUP BY feed
) AS d USING (feed)
LEFT JOIN (
    SELECT feed, sum(readings) AS readings
    FROM intake_minutes
    WHERE minute >= now() - INTERVAL '5 minutes'
    GROUP BY feed
) AS i USING (feed);

-- What became of every record of the readings topics: received = stored + duplicates + dead-lettered, and what is still to come.
CREATE VIEW v_ledger AS
SELECT
    f.feed,
    coalesce(p.readings, 0) AS received,
    coalesce(p.stored, 0) AS stored,
    coalesce(p.duplicates, 0) AS duplicates,
    coalesce(p.dead_lettered, 0) AS dead_lettered,
    coalesce(p.readings - p.stored - p.duplicates - p.dead_lettered, 0) AS difference,
    coalesce(p.in_flight, 0) AS in_flight,
    p.updated_at
FROM (VALUES ('ev'), ('water'), ('parking'), ('emergency'), ('tax')) AS f (feed)
LEFT JOIN (
    SELECT
        substr(topic, length('readings.') + 1) AS feed,
        sum(readings)::bigint AS readings,
        sum(stored)::bigint AS stored,
        sum(duplicates)::bigint AS duplicates,
        sum(dead_lettered)::bigint AS dead_lettered,
        sum(greatest(end_offset - next_offset, 0))::bigint AS in_flight,
        max(updated_at) AS updated_at
    FROM sink_progress
    WHERE topic LIKE 'readings.%'
    GROUP BY topic
) AS p USING (feed);

CREATE VIEW v_dead_letter_hours AS
SELECT
    time_bucket('1 hour', received_at) AS bucket,
    coalesce(feed, 'unknown') AS feed,
    source,
    reason,
    count(*) AS n
FROM dead_letters
GROUP BY 1, 2, 3, 4;

CREATE VIEW v_deliveries AS SELECT * FROM alert_deliveries;

CREATE VIEW v_edition AS
SELECT
    CASE current_setting('timescaledb.license') WHEN 'apache' THEN 'apache' ELSE 'community' END AS edition,
    (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') AS timescaledb,
    current_setting('server_version') AS postgresql;
