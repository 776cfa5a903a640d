-- The sink goes on from its own progress; what Kafka had removed before it was stored is a gap, named until somebody has
-- taken note. Chunks past their age go a few in each transaction.

ALTER TABLE sink_progress ADD COLUMN last_timestamp bigint;
COMMENT ON COLUMN sink_progress.last_timestamp IS
    'Kafka''s time of the last record handled, in milliseconds: tells this log from another of the same name.';
CREATE OR REPLACE VIEW v_sink_progress AS SELECT * FROM sink_progress;

CREATE TABLE log_gaps (
    cluster_id text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    before_offset bigint NOT NULL,
    why text NOT NULL CHECK (why IN ('removed', 'made_anew')),
    since timestamptz,
    until timestamptz,
    noticed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    acknowledged_at timestamptz,
    acknowledged_by text,
    told integer NOT NULL DEFAULT 0,
    PRIMARY KEY (cluster_id, topic, partition, noticed_at, first_offset),
    CHECK (first_offset < before_offset)
);
COMMENT ON TABLE log_gaps IS
    'Records first_offset to before_offset - 1 were gone from Kafka before they were stored. since: the last record stored'
    ' before them; until: the first that is there after them. told: 1 the alert was raised, 2 it was resolved.';
CREATE INDEX log_gaps_open ON log_gaps (topic, partition) WHERE acknowledged_at IS NULL OR told < 2;

CREATE VIEW v_log_gaps AS
SELECT
    cluster_id,
    topic,
    partition,
    first_offset,
    before_offset - 1 AS last_offset,
    before_offset - first_offset AS records,
    why,
    since,
    until,
    noticed_at,
    acknowledged_at,
    acknowledged_by
FROM log_gaps;
COMMENT ON VIEW v_log_gaps IS 'Records that were gone from Kafka before they were stored: topic, partition, offsets and the times between which they were written; acknowledged_at is set once an operator has taken note.';

CREATE OR REPLACE VIEW v_ledger AS
SELECT
    f.feed,
    coalesce(p.readings, 0) AS received,
    coalesce(p.stored, 0) AS stored,
    coalesce(p.duplicates, 0) AS duplicates,
    coalesce(p.dead_lettered, 0) AS dead_lettered,
    coalesce(p.readings - p.stored - p.duplicates - p.dead_lettered, 0) AS difference,
    coalesce(p.in_flight, 0) AS in_flight,
    p.updated_at,
    coalesce(g.records, 0)::bigint AS lost_records
FROM (VALUES ('ev'), ('water'), ('parking'), ('emergency'), ('tax')) AS f (feed)
LEFT JOIN (
    SELECT
        split_part(topic, '.', 2) AS feed,
        sum(readings)::bigint AS readings,
        sum(stored)::bigint AS stored,
        sum(duplicates)::bigint AS duplicates,
        sum(dead_lettered)::bigint AS dead_lettered,
        sum(greatest(end_offset - next_offset, 0))::bigint AS in_flight,
        max(updated_at) AS updated_at
    FROM sink_progress
    WHERE topic LIKE 'readings.%'
    GROUP BY 1
) AS p USING (feed)
LEFT JOIN (
    SELECT split_part(topic, '.', 2) AS feed, sum(before_offset - first_offset) AS records
    FROM log_gaps
    WHERE topic LIKE 'readings.%'
    GROUP BY 1
) AS g USING (feed);
COMMENT ON VIEW v_ledger IS 'Each feed: received = stored + duplicates + dead_lettered (difference is zero), in_flight that Kafka still holds, and lost_records that Kafka had removed before they were stored (readings and ticks; see v_log_gaps).';
