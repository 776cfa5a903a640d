-- Readings of lanes other than live come by a topic of their own, `readings.<feed>.lanes`: a feed is the sum of both.

CREATE OR REPLACE VIEW v_feed_totals AS
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
        split_part(topic, '.', 2) AS feed,
        sum(readings) AS readings,
        sum(stored) AS stored,
        sum(duplicates) AS duplicates,
        sum(dead_lettered) AS dead_lettered
    FROM sink_progress
    WHERE topic LIKE 'readings.%'
    GROUP BY 1
) AS p USING (feed);

CREATE OR REPLACE VIEW v_ledger AS
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
) AS p USING (feed);
