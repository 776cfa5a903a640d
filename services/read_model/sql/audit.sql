-- Of each boot of a device that was heard in a span: the numbers that it must have used, and what became of each.
-- What lies between the last number known before the span and the first of it belongs to the span. Rows are counted in the readings
-- themselves, apart from the ledger.
WITH heard AS (
    SELECT 'ev' AS feed, device_id, boot_id, min(seq) AS first_heard, max(seq) AS last_seq
    FROM v_ev_readings
    WHERE lane = $2 AND observed_at >= $4 AND observed_at < $5 AND ($1::text IS NULL OR $1 = 'ev')
        AND ($3::text IS NULL OR device_id = $3)
    GROUP BY device_id, boot_id
    UNION ALL
    SELECT 'water' AS feed, device_id, boot_id, min(seq) AS first_heard, max(seq) AS last_seq
    FROM v_water_readings
    WHERE lane = $2 AND observed_at >= $4 AND observed_at < $5 AND ($1::text IS NULL OR $1 = 'water')
        AND ($3::text IS NULL OR device_id = $3)
    GROUP BY device_id, boot_id
    UNION ALL
    SELECT 'parking' AS feed, device_id, boot_id, min(seq) AS first_heard, max(seq) AS last_seq
    FROM v_parking_readings
    WHERE lane = $2 AND observed_at >= $4 AND observed_at < $5 AND ($1::text IS NULL OR $1 = 'parking')
        AND ($3::text IS NULL OR device_id = $3)
    GROUP BY device_id, boot_id
    UNION ALL
    SELECT 'emergency' AS feed, device_id, boot_id, min(seq) AS first_heard, max(seq) AS last_seq
    FROM v_emergency_readings
    WHERE lane = $2 AND observed_at >= $4 AND observed_at < $5 AND ($1::text IS NULL OR $1 = 'emergency')
        AND ($3::text IS NULL OR device_id = $3)
    GROUP BY device_id, boot_id
    UNION ALL
    SELECT 'tax' AS feed, device_id, boot_id, min(seq) AS first_heard, max(seq) AS last_seq
    FROM v_tax_readings
    WHERE lane = $2 AND observed_at >= $4 AND observed_at < $5 AND ($1::text IS NULL OR $1 = 'tax')
        AND ($3::text IS NULL OR device_id = $3)
    GROUP BY device_id, boot_id
),
numbers AS (
    SELECT h.*, n.stored, n.gone,
        coalesce(upper((n.stored + n.gone) * int8multirange(int8range(0, h.first_heard))), 0) AS first_seq
    FROM heard AS h
    CROSS JOIN LATERAL (
        SELECT coalesce(range_agg(l.stored), '{}') AS stored, coalesce(range_agg(l.gone), '{}') AS gone
        FROM v_reading_numbers AS l
        WHERE l.feed = h.feed AND l.lane = $2 AND l.device_id = h.device_id AND l.boot_id = h.boot_id
    ) AS n
),
holes AS MATERIALIZED (
    SELECT *, int8multirange(int8range(first_seq, last_seq + 1)) - stored - gone AS holes FROM numbers
),
spans AS (
    SELECT h.*, coalesce(d.refused, '{}') AS refused
    FROM holes AS h
    LEFT JOIN LATERAL (
        SELECT range_agg(int8range(d.seq, d.seq + 1)) * h.holes AS refused
        FROM v_dead_letters AS d
        WHERE NOT isempty(h.holes) AND d.boot_id = h.boot_id AND d.device_id = h.device_id AND d.feed = h.feed AND coalesce(d.lane, 'live') = $2
            AND d.source <> 'stream_processors' AND d.seq BETWEEN h.first_seq AND h.last_seq
    ) AS d ON true
)
SELECT
    s.feed,
    s.device_id,
    s.boot_id,
    s.first_seq,
    s.last_seq,
    s.last_seq - s.first_seq + 1 AS sent,
    c.n AS stored,
    (SELECT coalesce(sum(upper(x) - lower(x)), 0) FROM unnest(s.refused) AS x)::bigint AS refused,
    (
        SELECT coalesce(sum(upper(x) - lower(x)), 0)
        FROM unnest((s.gone - s.stored) * int8multirange(int8range(s.first_seq, s.last_seq + 1))) AS x
    )::bigint AS gone,
    (SELECT coalesce(sum(upper(x) - lower(x)), 0) FROM unnest(s.holes - s.refused) AS x)::bigint AS missing,
    (s.holes - s.refused)::text AS missing_numbers
FROM spans AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM v_ev_readings AS r
    WHERE s.feed = 'ev' AND r.lane = $2 AND r.device_id = s.device_id AND r.boot_id = s.boot_id
        AND r.seq BETWEEN s.first_seq AND s.last_seq
    HAVING s.feed = 'ev'
    UNION ALL
    SELECT count(*) AS n FROM v_water_readings AS r
    WHERE s.feed = 'water' AND r.lane = $2 AND r.device_id = s.device_id AND r.boot_id = s.boot_id
        AND r.seq BETWEEN s.first_seq AND s.last_seq
    HAVING s.feed = 'water'
    UNION ALL
    SELECT count(*) AS n FROM v_parking_readings AS r
    WHERE s.feed = 'parking' AND r.lane = $2 AND r.device_id = s.device_id AND r.boot_id = s.boot_id
        AND r.seq BETWEEN s.first_seq AND s.last_seq
    HAVING s.feed = 'parking'
    UNION ALL
    SELECT count(*) AS n FROM v_emergency_readings AS r
    WHERE s.feed = 'emergency' AND r.lane = $2 AND r.device_id = s.device_id AND r.boot_id = s.boot_id
        AND r.seq BETWEEN s.first_seq AND s.last_seq
    HAVING s.feed = 'emergency'
    UNION ALL
    SELECT count(*) AS n FROM v_tax_readings AS r
    WHERE s.feed = 'tax' AND r.lane = $2 AND r.device_id = s.device_id AND r.boot_id = s.boot_id
        AND r.seq BETWEEN s.first_seq AND s.last_seq
    HAVING s.feed = 'tax'
) AS c
ORDER BY s.feed, s.device_id, s.boot_id
