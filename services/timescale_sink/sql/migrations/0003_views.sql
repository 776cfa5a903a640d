-- What people, dashboards and the command line read. Names and columns are a contract.

CREATE VIEW v_ev_readings AS SELECT * FROM ev_readings;
CREATE VIEW v_water_readings AS SELECT * FROM water_readings;
CREATE VIEW v_parking_readings AS SELECT * FROM parking_readings;
CREATE VIEW v_emergency_readings AS SELECT * FROM emergency_readings;
CREATE VIEW v_tax_readings AS SELECT * FROM tax_readings;

CREATE VIEW v_dead_letters AS SELECT * FROM dead_letters;

-- One refused reading counts once, however often its bytes came; what cannot be told apart counts each time.
CREATE VIEW v_dead_letter_reasons AS
SELECT
    feed,
    lane,
    source,
    reason,
    count(DISTINCT CASE
        WHEN seq IS NOT NULL AND boot_id IS NOT NULL THEN concat_ws('/', device_id, boot_id, seq)
        ELSE concat_ws('@', dl_partition, dl_offset)
    END) AS n
FROM dead_letters
GROUP BY feed, lane, source, reason;

CREATE VIEW v_indicators AS SELECT * FROM indicators;

CREATE VIEW v_alerts AS
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
    superseded_by
FROM alerts;

CREATE VIEW v_open_alerts AS
SELECT *
FROM v_alerts
WHERE ended_at IS NULL AND event <> 'retracted' AND superseded_by IS NULL;

CREATE VIEW v_alert_events AS SELECT * FROM alert_events;

CREATE VIEW v_feed_totals AS
SELECT
    f.feed,
    coalesce(d.devices, 0) AS devices,
    coalesce(p.readings, 0)::bigint AS readings,
    coalesce(p.stored, 0)::bigint AS stored,
    coalesce(p.duplicates, 0)::bigint AS duplicates,
    coalesce(p.dead_lettered, 0)::bigint AS dead_lettered
FROM (VALUES ('ev'), ('water'), ('parking'), ('emergency'), ('tax')) AS f (feed)
LEFT JOIN (SELECT feed, count(DISTINCT device_id) AS devices FROM devices GROUP BY feed) AS d USING (feed)
LEFT JOIN (
    SELECT
        substr(topic, length('readings.') + 1) AS feed,
        sum(readings) AS readings,
        sum(stored) AS stored,
        sum(duplicates) AS duplicates,
        sum(dead_lettered) AS dead_lettered
    FROM sink_progress
    WHERE topic LIKE 'readings.%'
    GROUP BY topic
) AS p USING (feed);

CREATE VIEW v_devices AS SELECT * FROM devices;
CREATE VIEW v_sink_progress AS SELECT * FROM sink_progress;
