-- What an audit of sent, stored and missing numbers asks, and what has been said about missing ones.

-- As before, but dead letters are looked up only for boots that have holes, not for all and then thrown away. Who asks for one device
-- still reads that one alone.
CREATE OR REPLACE VIEW v_device_ledger AS
WITH boots AS (
    SELECT feed, lane, device_id, boot_id, range_agg(stored) AS stored, range_agg(gone) AS gone
    FROM reading_ledger
    GROUP BY feed, lane, device_id, boot_id
),
holes AS (
    SELECT *, upper(stored + gone) AS sent, int8multirange(int8range(0, upper(stored + gone))) - stored - gone AS holes
    FROM boots
),
explained AS (
    SELECT h.*, r.refused
    FROM holes AS h
    LEFT JOIN LATERAL (
        SELECT range_agg(int8range(d.seq, d.seq + 1)) * h.holes AS refused
        FROM dead_letters AS d
        WHERE NOT isempty(h.holes) AND d.boot_id = h.boot_id AND d.device_id = h.device_id AND d.feed = h.feed AND coalesce(d.lane, 'live') = h.lane
            AND d.source <> 'stream_processors' AND d.seq BETWEEN 0 AND 9223372036854775806
    ) AS r ON true
)
SELECT
    feed,
    lane,
    device_id,
    boot_id,
    sent,
    (SELECT coalesce(sum(upper(s) - lower(s)), 0) FROM unnest(stored) AS s) AS stored,
    (SELECT coalesce(sum(upper(s) - lower(s)), 0) FROM unnest(refused) AS s) AS refused,
    (SELECT coalesce(sum(upper(s) - lower(s)), 0) FROM unnest(gone - stored) AS s) AS gone,
    (SELECT coalesce(sum(upper(s) - lower(s)), 0) FROM unnest(holes - coalesce(refused, '{}')) AS s) AS missing,
    (holes - coalesce(refused, '{}'))::text AS missing_numbers
FROM explained;
COMMENT ON VIEW v_device_ledger IS 'Each boot of a device by its numbers: sent (the highest, counted from 0) = stored + refused + gone (dropped for their age, or before the ledger began) + missing, with the missing ranges.';

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
    'Numbers of a boot that have been missing at every look since noticed_at: until they came, were refused, went for their age, or'
    ' somebody took note of them. told 1: its alert is being raised, 2: it was raised, 3: it was resolved.';
CREATE INDEX readings_missing_open ON readings_missing (feed, lane, device_id, boot_id) WHERE ended_at IS NULL OR told IN (1, 2);

-- Only the boot that a device has now, and those of which something was missing at the last look: what an import brings, and what
-- a device lost long ago, is for the audit. Numbers before the first that is known, or below one that went for its age, are
-- nobody's loss. Holes are found first, so that dead letters are looked up for these boots alone.
CREATE VIEW live_missing AS
WITH boots AS MATERIALIZED (
    SELECT feed, lane, device_id, boot_id, range_agg(l.stored) AS stored, range_agg(l.gone) AS gone
    FROM (
        SELECT feed, lane, device_id, boot_id FROM devices WHERE lane = 'live'
        UNION
        SELECT feed, lane, device_id, boot_id FROM readings_missing WHERE ended_at IS NULL
    ) AS d
    JOIN reading_ledger AS l USING (feed, lane, device_id, boot_id)
    GROUP BY feed, lane, device_id, boot_id
),
holes AS MATERIALIZED (
    SELECT
        *,
        int8multirange(int8range(coalesce(upper(gone), lower(stored)), greatest(upper(stored), upper(gone)))) - stored AS holes
    FROM boots
)
SELECT h.feed, h.lane, h.device_id, h.boot_id, h.holes - coalesce(r.refused, '{}') - coalesce(n.noted, '{}') AS numbers
FROM holes AS h
LEFT JOIN LATERAL (
    SELECT range_agg(int8range(d.seq, d.seq + 1)) AS refused
    FROM dead_letters AS d
    WHERE NOT isempty(h.holes) AND d.boot_id = h.boot_id AND d.device_id = h.device_id AND d.feed = h.feed
        AND coalesce(d.lane, 'live') = h.lane AND d.source <> 'stream_processors'
        AND d.seq >= lower(h.holes) AND d.seq < upper(h.holes)
) AS r ON true
LEFT JOIN LATERAL (
    SELECT range_agg(m.numbers) AS noted
    FROM readings_missing AS m
    WHERE (m.feed, m.lane, m.device_id, m.boot_id) = (h.feed, h.lane, h.device_id, h.boot_id) AND m.acknowledged_by IS NOT NULL
) AS n ON true
WHERE NOT isempty(h.holes);
COMMENT ON VIEW live_missing IS 'Numbers that are missing now of what live devices send: the sink''s own question.';

-- What is missing when this comes is known already: nobody is told of it as if it were new.
INSERT INTO readings_missing (feed, lane, device_id, boot_id, numbers, ended_at, acknowledged_by)
SELECT feed, lane, device_id, boot_id, numbers, now(), 'before this release' FROM live_missing WHERE NOT isempty(numbers);

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
    told > 0 AS is_alert
FROM readings_missing;
COMMENT ON VIEW v_readings_missing IS 'Each time that numbers of a device were missing: since when it is known, which, when that ended and who took note.';
