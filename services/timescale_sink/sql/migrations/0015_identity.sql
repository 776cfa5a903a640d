-- A reading is known by lane, device, boot and number, whatever its time. A hypertable's unique index must hold the time, so
-- which numbers are known stands in a ledger of its own: ranges, written in the transaction of the rows. It also names what is
-- missing. A row covers 2^14 numbers, so that a device that leaves out every other one makes no row that grows for ever.

CREATE TABLE reading_ledger (
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    boot_id text NOT NULL,
    segment bigint NOT NULL,
    stored int8multirange NOT NULL DEFAULT '{}',
    gone int8multirange NOT NULL DEFAULT '{}',
    PRIMARY KEY (feed, lane, device_id, boot_id, segment)
) WITH (fillfactor = 60);
COMMENT ON TABLE reading_ledger IS
    'Numbers of each device and boot: stored are in the readings; gone were dropped for their age, or were before the ledger'
    ' began. What is in neither, below the highest, never came or was refused.';

CREATE TABLE reading_repeats (
    hour timestamptz NOT NULL,
    feed text NOT NULL,
    lane text NOT NULL,
    device_id text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (hour, feed, lane, device_id)
);
COMMENT ON TABLE reading_repeats IS 'Readings that came again unchanged, by the hour in which they were measured.';

ALTER TABLE ev_readings DROP CONSTRAINT ev_readings_pkey;
ALTER TABLE ev_readings ADD PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE water_readings DROP CONSTRAINT water_readings_pkey;
ALTER TABLE water_readings ADD PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE parking_readings DROP CONSTRAINT parking_readings_pkey;
ALTER TABLE parking_readings ADD PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE emergency_readings DROP CONSTRAINT emergency_readings_pkey;
ALTER TABLE emergency_readings ADD PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);
ALTER TABLE tax_readings DROP CONSTRAINT tax_readings_pkey;
ALTER TABLE tax_readings ADD PRIMARY KEY (device_id, boot_id, seq, lane, observed_at);

-- Numbers of one chunk, so that ledger and retention go chunk by chunk, however many there are.
CREATE FUNCTION note_numbers(feed text, chunk regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO public.reading_ledger AS l (feed, lane, device_id, boot_id, segment, stored)'
        ' SELECT $1, lane, device_id, boot_id, seq >> 14, range_agg(int8range(seq, seq + 1)) FROM %s GROUP BY 2, 3, 4, 5'
        ' ORDER BY 2, 3, 4, 5'
        ' ON CONFLICT (feed, lane, device_id, boot_id, segment) DO UPDATE SET stored = l.stored + excluded.stored', chunk
    ) USING feed;
END
$$;

-- Reckoned first, then locked in the order in which the sink takes rows, so that neither waits for one who waits for it.
CREATE FUNCTION forget_numbers(relation text, chunk regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
$$;
REVOKE ALL ON FUNCTION note_numbers(text, regclass), forget_numbers(text, regclass) FROM PUBLIC;

-- Chunks that are older than the ledger: `migrate` takes their numbers over, each in a transaction of its own.
CREATE TABLE ledger_backlog (
    feed text NOT NULL,
    chunk text PRIMARY KEY
);
INSERT INTO ledger_backlog (feed, chunk)
SELECT split_part(hypertable_name, '_', 1), format('%I.%I', chunk_schema, chunk_name)
FROM timescaledb_information.chunks
WHERE hypertable_schema = 'public' AND hypertable_name LIKE '%\_readings';
COMMENT ON TABLE ledger_backlog IS 'Chunks whose numbers are not in reading_ledger yet; empty once migrations have run.';

-- Chunks past their age, the oldest first; the sink asks for one in a transaction, so that rows of living devices are not locked
-- for long. Locked in front, so that no late reading slips in between its number and its chunk. Whoever wants the chunk waits
-- behind this lock, so it is not waited for long either.
DROP FUNCTION drop_expired_chunks();
DROP FUNCTION drop_expired_chunks(timestamptz);
CREATE FUNCTION drop_expired_chunks(moment timestamptz, most integer) RETURNS TABLE (relation text, chunk text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '5s' AS $$
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
    FOR each IN SELECT * FROM unnest(chosen.chunks) AS e (relation text, chunk text, since timestamptz, until timestamptz) LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', each.chunk);
    END LOOP;
    FOR each IN SELECT * FROM unnest(chosen.chunks) AS e (relation text, chunk text, since timestamptz, until timestamptz) LOOP
        PERFORM forget_numbers(each.relation, each.chunk::regclass);
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
$$;
REVOKE ALL ON FUNCTION drop_expired_chunks(timestamptz, integer) FROM PUBLIC;

-- The writer may let chunks go that are past the owner's ages now, and nothing else.
CREATE FUNCTION drop_expired_chunks(most integer) RETURNS TABLE (relation text, chunk text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT * FROM drop_expired_chunks(now(), most)
$$;
REVOKE ALL ON FUNCTION drop_expired_chunks(integer) FROM PUBLIC;

CREATE VIEW v_device_ledger AS
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
        WHERE d.boot_id = h.boot_id AND d.device_id = h.device_id AND d.feed = h.feed AND coalesce(d.lane, 'live') = h.lane
            AND d.source <> 'stream_processors' AND d.seq BETWEEN 0 AND 9223372036854775806
    ) AS r ON NOT isempty(h.holes)
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

CREATE VIEW v_device_gaps AS
SELECT d.feed, d.lane, d.device_id, d.boot_id, lower(m) AS first_seq, upper(m) - 1 AS last_seq, upper(m) - lower(m) AS n
FROM v_device_ledger AS d, unnest(d.missing_numbers::int8multirange) AS m;
COMMENT ON VIEW v_device_gaps IS 'Ranges of numbers that a device must have used and that are neither stored nor refused.';

CREATE VIEW v_reading_conflicts AS
SELECT
    d.received_at,
    d.feed,
    d.lane,
    d.device_id,
    d.boot_id,
    d.seq,
    d.detail,
    s.stored,
    convert_from(d.payload, 'UTF8') AS refused,
    d.kafka_topic,
    d.kafka_partition,
    d.kafka_offset
FROM dead_letters AS d
LEFT JOIN LATERAL (
    SELECT to_jsonb(r) AS stored FROM ev_readings AS r
    WHERE d.feed = 'ev' AND r.lane = d.lane AND r.device_id = d.device_id AND r.boot_id = d.boot_id AND r.seq = d.seq
    UNION ALL
    SELECT to_jsonb(r) AS stored FROM water_readings AS r
    WHERE d.feed = 'water' AND r.lane = d.lane AND r.device_id = d.device_id AND r.boot_id = d.boot_id AND r.seq = d.seq
    UNION ALL
    SELECT to_jsonb(r) AS stored FROM parking_readings AS r
    WHERE d.feed = 'parking' AND r.lane = d.lane AND r.device_id = d.device_id AND r.boot_id = d.boot_id AND r.seq = d.seq
    UNION ALL
    SELECT to_jsonb(r) AS stored FROM emergency_readings AS r
    WHERE d.feed = 'emergency' AND r.lane = d.lane AND r.device_id = d.device_id AND r.boot_id = d.boot_id AND r.seq = d.seq
    UNION ALL
    SELECT to_jsonb(r) AS stored FROM tax_readings AS r
    WHERE d.feed = 'tax' AND r.lane = d.lane AND r.device_id = d.device_id AND r.boot_id = d.boot_id AND r.seq = d.seq
) AS s ON TRUE
WHERE d.source = 'timescale_sink' AND d.reason = 'key_reused';
COMMENT ON VIEW v_reading_conflicts IS 'Readings whose lane, device, boot and number were stored before with another time or other values: the version that is stored, and the one that was refused, as it came.';

CREATE VIEW v_device_hours AS
SELECT
    feed,
    lane,
    device_id,
    bucket,
    (sum(stored) + sum(repeated) + sum(refused) + sum(missing))::bigint AS sent,
    sum(stored)::bigint AS stored,
    sum(repeated)::bigint AS repeated,
    sum(refused)::bigint AS refused,
    sum(missing)::bigint AS missing
FROM (
    SELECT 'ev' AS feed, lane, device_id, bucket, n AS stored, 0 AS repeated, 0 AS refused, 0 AS missing
    FROM v_ev_hours
    UNION ALL
    SELECT 'water' AS feed, lane, device_id, bucket, n AS stored, 0 AS repeated, 0 AS refused, 0 AS missing
    FROM v_water_hours
    UNION ALL
    SELECT 'parking' AS feed, lane, device_id, bucket, n AS stored, 0 AS repeated, 0 AS refused, 0 AS missing
    FROM v_parking_hours
    UNION ALL
    SELECT 'emergency' AS feed, lane, device_id, bucket, n AS stored, 0 AS repeated, 0 AS refused, 0 AS missing
    FROM v_emergency_hours
    UNION ALL
    SELECT 'tax' AS feed, lane, device_id, bucket, n AS stored, 0 AS repeated, 0 AS refused, 0 AS missing
    FROM v_tax_hours
    UNION ALL
    SELECT feed, lane, device_id, hour, 0, n, 0, 0 FROM reading_repeats
    UNION ALL
    SELECT feed, coalesce(lane, 'live'), device_id, time_bucket('1 hour', received_at), 0, 0, 1, 0
    FROM dead_letters
    WHERE feed IS NOT NULL AND device_id IS NOT NULL AND source <> 'stream_processors'
    UNION ALL
    SELECT g.feed, g.lane, g.device_id, time_bucket('1 hour', r.observed_at), 0, 0, 0, g.n
    FROM v_device_gaps AS g
    CROSS JOIN LATERAL (
        SELECT observed_at
        FROM ev_readings AS r
        WHERE r.lane = g.lane AND r.device_id = g.device_id AND r.boot_id = g.boot_id AND r.seq > g.last_seq
        ORDER BY r.seq
        LIMIT 1
    ) AS r
    WHERE g.feed = 'ev'
    UNION ALL
    SELECT g.feed, g.lane, g.device_id, time_bucket('1 hour', r.observed_at), 0, 0, 0, g.n
    FROM v_device_gaps AS g
    CROSS JOIN LATERAL (
        SELECT observed_at
        FROM water_readings AS r
        WHERE r.lane = g.lane AND r.device_id = g.device_id AND r.boot_id = g.boot_id AND r.seq > g.last_seq
        ORDER BY r.seq
        LIMIT 1
    ) AS r
    WHERE g.feed = 'water'
    UNION ALL
    SELECT g.feed, g.lane, g.device_id, time_bucket('1 hour', r.observed_at), 0, 0, 0, g.n
    FROM v_device_gaps AS g
    CROSS JOIN LATERAL (
        SELECT observed_at
        FROM parking_readings AS r
        WHERE r.lane = g.lane AND r.device_id = g.device_id AND r.boot_id = g.boot_id AND r.seq > g.last_seq
        ORDER BY r.seq
        LIMIT 1
    ) AS r
    WHERE g.feed = 'parking'
    UNION ALL
    SELECT g.feed, g.lane, g.device_id, time_bucket('1 hour', r.observed_at), 0, 0, 0, g.n
    FROM v_device_gaps AS g
    CROSS JOIN LATERAL (
        SELECT observed_at
        FROM emergency_readings AS r
        WHERE r.lane = g.lane AND r.device_id = g.device_id AND r.boot_id = g.boot_id AND r.seq > g.last_seq
        ORDER BY r.seq
        LIMIT 1
    ) AS r
    WHERE g.feed = 'emergency'
    UNION ALL
    SELECT g.feed, g.lane, g.device_id, time_bucket('1 hour', r.observed_at), 0, 0, 0, g.n
    FROM v_device_gaps AS g
    CROSS JOIN LATERAL (
        SELECT observed_at
        FROM tax_readings AS r
        WHERE r.lane = g.lane AND r.device_id = g.device_id AND r.boot_id = g.boot_id AND r.seq > g.last_seq
        ORDER BY r.seq
        LIMIT 1
    ) AS r
    WHERE g.feed = 'tax'
) AS t
GROUP BY feed, lane, device_id, bucket;
COMMENT ON VIEW v_device_hours IS 'Each device and hour: sent = stored + repeated + refused + missing. The hour is when a reading was measured; of one that was refused, when it arrived; of missing ones, that of the reading behind them.';
