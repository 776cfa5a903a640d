-- After some alerts changed: each open one of them, the one before it and those that named it name the next later open
-- alert of the same rule and asset. Returns those that have none: `show_alerts` brings them forward afterwards, since
-- two of one rule and asset must not stand in front at any moment.
WITH changed AS (
    -- OFFSET keeps the condition out of it, which would have the planner walk through all that are open.
    SELECT a.alert_id, a.lane, a.rule, a.asset, a.started_at
    FROM unnest($1::text[]) AS k (alert_id)
    CROSS JOIN LATERAL (SELECT * FROM alerts AS b WHERE b.alert_id = k.alert_id OFFSET 0) AS a
    WHERE a.ended_at IS NULL AND a.event <> 'retracted'
),
touched AS (
    SELECT alert_id FROM changed
    UNION
    SELECT alert_id FROM alerts WHERE superseded_by = ANY($1::text[])
    UNION
    SELECT p.alert_id
    FROM changed AS c
    CROSS JOIN LATERAL (
        SELECT b.alert_id
        FROM alerts AS b
        WHERE b.lane = c.lane AND b.rule = c.rule AND b.asset = c.asset
            AND b.ended_at IS NULL AND b.event <> 'retracted'
            AND (b.started_at, b.alert_id) < (c.started_at, c.alert_id)
        ORDER BY b.started_at DESC, b.alert_id DESC
        LIMIT 1
    ) AS p
),
linked AS (
    SELECT a.alert_id, a.superseded_by, n.alert_id AS next_id
    FROM touched AS t
    JOIN alerts AS a ON a.alert_id = t.alert_id
    LEFT JOIN LATERAL (
        SELECT b.alert_id
        FROM alerts AS b
        WHERE b.lane = a.lane AND b.rule = a.rule AND b.asset = a.asset
            AND b.ended_at IS NULL AND b.event <> 'retracted'
            AND (b.started_at, b.alert_id) > (a.started_at, a.alert_id)
        ORDER BY b.started_at, b.alert_id
        LIMIT 1
    ) AS n ON TRUE
),
stepped_back AS (
    UPDATE alerts AS a
    SET superseded_by = l.next_id
    FROM linked AS l
    WHERE a.alert_id = l.alert_id AND l.next_id IS NOT NULL AND l.superseded_by IS DISTINCT FROM l.next_id
)
SELECT alert_id FROM linked WHERE next_id IS NULL AND superseded_by IS NOT NULL
