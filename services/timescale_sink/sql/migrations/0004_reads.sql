-- Reads by time alone, dead letters told apart by their place in Kafka, alert events in columns.

-- Rows arrive roughly in the order of their time, so a block range index finds "the last five minutes of everything"
-- and costs next to nothing to keep (measured: no difference a row; a B-tree costs some 4 microseconds).
CREATE INDEX ev_readings_by_time ON ev_readings USING brin (observed_at);
CREATE INDEX water_readings_by_time ON water_readings USING brin (observed_at);
CREATE INDEX parking_readings_by_time ON parking_readings USING brin (observed_at);
CREATE INDEX emergency_readings_by_time ON emergency_readings USING brin (observed_at);
CREATE INDEX tax_readings_by_time ON tax_readings USING brin (observed_at);

-- One refused reading counts once, however often its bytes came. A record that a crash made the sink refuse twice is
-- known by its place in Kafka; what cannot be told apart counts each time.
CREATE OR REPLACE VIEW v_dead_letter_reasons AS
SELECT
    feed,
    lane,
    source,
    reason,
    count(DISTINCT CASE
        WHEN seq IS NOT NULL AND boot_id IS NOT NULL THEN concat_ws('/', device_id, boot_id, seq)
        WHEN kafka_offset IS NOT NULL THEN concat_ws('@', kafka_topic, kafka_partition, kafka_offset)
        ELSE concat_ws('@', dl_partition, dl_offset)
    END) AS n
FROM dead_letters
GROUP BY feed, lane, source, reason;

CREATE OR REPLACE VIEW v_alert_events AS
SELECT
    event_id,
    alert_id,
    revision,
    event,
    lane,
    data,
    stored_at,
    data ->> 'feed' AS feed,
    data ->> 'rule' AS rule,
    data ->> 'asset' AS asset,
    data ->> 'place' AS place,
    data ->> 'severity' AS severity,
    (data ->> 'started_at')::timestamptz AS started_at,
    (data ->> 'raised_at')::timestamptz AS raised_at,
    (data ->> 'ended_at')::timestamptz AS ended_at,
    (data ->> 'observed_value')::double precision AS observed_value,
    data ->> 'observed_unit' AS observed_unit,
    data -> 'threshold' AS threshold,
    data -> 'evidence' AS evidence,
    data -> 'text' ->> 'zh' AS text_zh,
    data -> 'text' ->> 'en' AS text_en
FROM alert_events;
