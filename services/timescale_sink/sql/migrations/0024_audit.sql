-- What an audit of sent, stored and missing numbers asks, and what has been said about missing ones.

CREATE VIEW v_reading_numbers AS
SELECT feed, lane, device_id, boot_id, segment, stored, gone FROM reading_ledger;
COMMENT ON VIEW v_reading_numbers IS 'Numbers of each device and boot as ranges, by segments of 16,384: stored, and gone (dropped for their age, or before the ledger began).';

CREATE VIEW v_reading_repeats AS SELECT * FROM reading_repeats;
COMMENT ON VIEW v_reading_repeats IS 'Readings that came again unchanged, by the hour in which they were measured.';

CREATE TABLE readings_missing (
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    boot_id text NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    numbers int8multirange NOT NULL,
    ended_at timestamptz,
    acknowledged_by text,
    told smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (feed, lane, device_id, boot_id, noticed_at)
);
COMMENT ON TABLE readings_missing IS
    'Numbers of a boot that were missing when the sink looked: until they came, went for their age, or somebody took note'
    ' of them. told 1: an alert was raised, 2: it was resolved.';
CREATE UNIQUE INDEX readings_missing_open ON readings_missing (feed, lane, device_id, boot_id) WHERE ended_at IS NULL;

CREATE VIEW v_readings_missing AS
SELECT
    feed,
    lane,
    device_id,
    boot_id,
    noticed_at,
    (SELECT coalesce(sum(upper(n) - lower(n)), 0) FROM unnest(numbers) AS n)::bigint AS n,
    numbers::text AS numbers,
    ended_at,
    acknowledged_by,
    told > 0 AS was_alert
FROM readings_missing;
COMMENT ON VIEW v_readings_missing IS 'Each time that numbers of a device were missing: since when it is known, which, when that ended and who took note.';
