-- What the boards ask beside the views there are: the parts of an alert's text (one place makes all of them, see
-- services/stream_processors/engine/sentence.py), the last period that is over, the rhythm of a feed.

CREATE OR REPLACE VIEW v_alert_places AS
SELECT
    v.*,
    a.kind AS asset_kind,
    coalesce(a.name_zh, v.place) AS asset_name_zh,
    coalesce(a.name_en, v.place) AS asset_name_en,
    a.zone,
    a.longitude,
    a.latitude,
    split_part(
        split_part(regexp_replace(v.text_zh, '^(更正（有迟到数据）：)?[^：]*：', ''), '限值：', 1), '最严重时', 1
    ) AS matter_zh,
    split_part(
        split_part(regexp_replace(v.text_en, '^(Corrected by late data: )?([^:]|:[^ ])*: ', ''), ' Limit: ', 1),
        ' At worst ', 1
    ) AS matter_en,
    substring(split_part(v.text_zh, '（北京时间）起。', 2) FROM '[^。]+。$') AS advice_zh,
    ltrim(substring(split_part(v.text_en, ' (Beijing time). ', 2) FROM '[^.]+[.]$')) AS advice_en
FROM v_alerts AS v
LEFT JOIN LATERAL (
    SELECT kind, name_zh, name_en, zone, longitude, latitude
    FROM assets
    WHERE asset_id = v.asset AND feed = v.feed
    ORDER BY is_device DESC, kind
    LIMIT 1
) AS a ON true;
COMMENT ON VIEW v_alert_places IS 'Alerts with the asset that they are about: its kind, names, zone and place; what is the matter, and what to do while it is open, as parts of its text.';

-- A period that runs changes with every reading and meets nothing: a target is what the last period that is over says of it,
-- and the running one stands beside it. Where months or years are judged they answer, not the days in them.
CREATE INDEX indicators_of_long_periods ON indicators (lane, id, subject, period_end DESC, period_start)
WHERE sample_seq = -1 AND period_end - period_start > INTERVAL '20 days';
CREATE INDEX indicator_history_of_long_periods ON indicator_history (lane, id, subject, period_end DESC, period_start)
WHERE period_end - period_start > INTERVAL '20 days';

CREATE OR REPLACE VIEW v_target_states AS
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
        (
            SELECT 0 AS preference, q.*
            FROM indicators AS q
            WHERE q.lane = k.lane AND q.id = k.id AND q.subject = k.subject AND q.sample_seq = -1
                AND q.period_end - q.period_start > INTERVAL '20 days'
                AND q.period_end - q.period_start > (
                    SELECT o.period_end - o.period_start - INTERVAL '5 days'
                    FROM indicators AS o
                    WHERE o.lane = k.lane AND o.id = k.id AND o.subject = k.subject AND o.sample_seq = -1 AND o.period_end - o.period_start > INTERVAL '20 days'
                    ORDER BY o.period_end DESC, o.period_start
                    LIMIT 1
                )
                AND q.period_end <= now() AND NOT coalesce(q.details ? 'so_far', false)
            ORDER BY q.period_end DESC
            LIMIT 1
        )
        UNION ALL
        (
            SELECT 1 AS preference, q.*
            FROM indicators AS q
            WHERE q.lane = k.lane AND q.id = k.id AND q.subject = k.subject AND q.sample_seq = -1 AND q.period_end - q.period_start > INTERVAL '20 days'
            ORDER BY q.period_end DESC, q.period_start
            LIMIT 1
        )
        UNION ALL
        (
            SELECT 2 AS preference, q.*
            FROM indicators AS q
            WHERE q.lane = k.lane AND q.id = k.id AND q.subject = k.subject AND q.sample_seq = -1 AND q.period_end <= now() AND NOT coalesce(q.details ? 'so_far', false)
            ORDER BY q.period_start DESC, q.period_end DESC
            LIMIT 1
        )
        UNION ALL
        (
            SELECT 3 AS preference, q.*
            FROM indicators AS q
            WHERE q.lane = k.lane AND q.id = k.id AND q.subject = k.subject AND q.sample_seq = -1
            ORDER BY q.period_start DESC, q.period_end DESC
            LIMIT 1
        )
        ORDER BY preference
        LIMIT 1
    ) AS i
),
running AS (
    SELECT i.*
    FROM newest AS n
    CROSS JOIN LATERAL (
        (
            SELECT 0 AS rank, q.*
            FROM indicators AS q
            WHERE q.lane = n.lane AND q.id = n.id AND q.subject = n.subject AND q.sample_seq = -1
                AND q.period_end - q.period_start > INTERVAL '20 days'
            ORDER BY q.period_end DESC, q.period_start
            LIMIT 1
        )
        UNION ALL
        (
            SELECT 1 AS rank, q.*
            FROM indicators AS q
            WHERE q.lane = n.lane AND q.id = n.id AND q.subject = n.subject AND q.sample_seq = -1
            ORDER BY q.period_start DESC, q.period_end DESC
            LIMIT 1
        )
        ORDER BY rank
        LIMIT 1
    ) AS i
    WHERE i.period_end > now() OR coalesce(i.details ? 'so_far', false)
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
    t.ordinality,
    coalesce(n.period_end > now() OR n.details ? 'so_far', false) AS is_running,
    l.value AS running_value,
    l.details -> 'so_far' ->> 'status' AS running_status,
    l.period_start AS running_start,
    l.period_end AS running_end
FROM v_plan_targets AS t
LEFT JOIN newest AS n USING (id)
LEFT JOIN running AS l ON l.lane = n.lane AND l.id = n.id AND l.subject = n.subject;
COMMENT ON VIEW v_target_states IS 'Each target with the figure of the last period that is over of each of its subjects (is_running: there is none yet, so it is the one that runs), and the running period beside it; status is met, not_met or cannot_say.';

-- How long a device of a feed is silent in ordinary life: an hour, but tax offices report on working days, so of them a working
-- day counts (on Monday that is Friday). Public holidays are not known here.
CREATE OR REPLACE VIEW v_feed_health AS
SELECT
    f.feed,
    coalesce(r.registered, 0) AS registered,
    coalesce(d.known, 0) AS known,
    coalesce(d.heard, 0) AS heard,
    d.last_seen_at,
    coalesce(i.readings, 0) / 300.0::double precision AS readings_per_s,
    CASE WHEN coalesce(r.registered, 0) > 0 THEN least(1.0, coalesce(d.heard, 0)::double precision / r.registered) END
        AS completeness,
    f.heard_since
FROM (
    SELECT
        e.feed,
        now() - CASE
            WHEN e.feed <> 'tax' THEN INTERVAL '1 hour'
            ELSE make_interval(days => CASE extract(isodow FROM (now() AT TIME ZONE 'UTC') + INTERVAL '8 hours')::integer
                WHEN 6 THEN 2
                WHEN 7 THEN 3
                WHEN 1 THEN 3
                ELSE 1
            END)
        END AS heard_since
    FROM (VALUES ('ev'), ('water'), ('parking'), ('emergency'), ('tax')) AS e (feed)
) AS f
LEFT JOIN (
    SELECT feed, count(*) AS registered FROM assets WHERE is_device AND retired_at IS NULL GROUP BY feed
) AS r USING (feed)
LEFT JOIN LATERAL (
    SELECT
        count(*) AS known,
        count(*) FILTER (WHERE last_seen_at > f.heard_since) AS heard,
        max(last_seen_at) AS last_seen_at
    FROM devices
    WHERE lane = 'live' AND devices.feed = f.feed
) AS d ON true
LEFT JOIN (
    -- Whole minutes: the one that runs would count as if it were over.
    SELECT feed, sum(readings) AS readings
    FROM intake_minutes
    WHERE minute >= date_trunc('minute', now()) - INTERVAL '5 minutes' AND minute < date_trunc('minute', now())
    GROUP BY feed
) AS i USING (feed);
COMMENT ON VIEW v_feed_health IS 'Each feed: registered devices, those heard since heard_since (an hour; of tax offices a working day), their share, readings a second of the last five whole minutes.';
