-- Names in both languages beside the codes and ids of views: places, rules, units, subjects of targets, documents.

CREATE OR REPLACE VIEW v_alert_places AS
SELECT
    v.*,
    a.kind AS asset_kind,
    n.zh AS asset_name_zh,
    n.en AS asset_name_en,
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
    ltrim(substring(split_part(v.text_en, ' (Beijing time). ', 2) FROM '[^.]+[.]$')) AS advice_en,
    n.zh AS place_zh,
    n.en AS place_en,
    coalesce(r.text_zh, v.rule) AS rule_zh,
    coalesce(r.text_en, v.rule) AS rule_en,
    coalesce(o.text_zh, v.observed_unit) AS observed_unit_zh,
    coalesce(o.text_en, v.observed_unit) AS observed_unit_en,
    coalesce(t.text_zh, v.threshold_unit) AS threshold_unit_zh,
    coalesce(t.text_en, v.threshold_unit) AS threshold_unit_en
FROM v_alerts AS v
LEFT JOIN LATERAL (
    SELECT kind, name_zh, name_en, zone, longitude, latitude
    FROM assets
    WHERE asset_id = v.asset AND feed = v.feed
    ORDER BY is_device DESC, kind
    LIMIT 1
) AS a ON true
-- The district and its parts belong to no feed.
LEFT JOIN assets AS d ON d.kind = 'district' AND d.asset_id = v.asset
-- A call is known by its street and its number.
LEFT JOIN words AS s ON s.kind = 'street' AND s.code = split_part(v.place, ' ', 1)
CROSS JOIN LATERAL (
    SELECT
        coalesce(a.name_zh, d.name_zh, s.text_zh || substr(v.place, length(s.code) + 1), v.place) AS zh,
        coalesce(a.name_en, d.name_en, s.text_en || substr(v.place, length(s.code) + 1), v.place) AS en
) AS n
LEFT JOIN words AS r ON r.kind = 'rule' AND r.code = v.rule
LEFT JOIN words AS o ON o.kind = 'unit' AND o.code = v.observed_unit
LEFT JOIN words AS t ON t.kind = 'unit' AND t.code = v.threshold_unit;
COMMENT ON VIEW v_alert_places IS 'Alerts with the asset that they are about: its kind, names, zone and place; what is the matter, and what to do while it is open, as parts of its text; place, rule and units in Chinese and English.';

CREATE OR REPLACE VIEW v_plan_targets AS
WITH latest AS (
    SELECT DISTINCT ON (document_id, version) *
    FROM plan_versions
    WHERE kind = 'plan'
    ORDER BY document_id, version, published_at DESC
),
in_force AS (
    SELECT DISTINCT ON (document_id) *
    FROM latest
    WHERE valid_from <= (now() AT TIME ZONE INTERVAL '+08:00')::date
    ORDER BY document_id, valid_from DESC, published_at DESC
)
SELECT
    i ->> 'id' AS id,
    i ->> 'name' AS name_en,
    coalesce(i ->> 'name_zh', n.text_zh, i ->> 'name') AS name_zh,
    CASE jsonb_typeof(i -> 'page')
        WHEN 'array' THEN 'pages ' || array_to_string(ARRAY(SELECT jsonb_array_elements_text(i -> 'page')), ', ')
        ELSE 'page ' || (i ->> 'page')
    END AS page,
    i ->> 'op' AS comparator,
    (i ->> 'target')::double precision AS target,
    i ->> 'unit' AS unit,
    (i ->> 'due')::date AS due,
    i ->> 'check' AS checked_by,
    i ->> 'feed' AS feed,
    i ->> 'scope' AS scope,
    p.document_id AS plan_id,
    p.version AS plan_version,
    p.ordinality,
    coalesce(u.text_zh, i ->> 'unit') AS unit_zh,
    coalesce(u.text_en, i ->> 'unit') AS unit_en
FROM (
    SELECT f.document_id, f.version, e.i, e.ordinality
    FROM in_force AS f, LATERAL jsonb_array_elements(f.document -> 'indicator') WITH ORDINALITY AS e (i, ordinality)
) AS p
-- A plan that was published before its targets had Chinese names has those of the same targets.
LEFT JOIN words AS n ON n.kind = 'indicator' AND n.code = i ->> 'id'
LEFT JOIN words AS u ON u.kind = 'unit' AND u.code = i ->> 'unit';
COMMENT ON VIEW v_plan_targets IS 'The quantified targets of each plan in force today, with page, comparator and due date; names and units in Chinese and English.';

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
    l.period_end AS running_end,
    t.unit_zh,
    t.unit_en,
    coalesce(a.name_zh, n.subject_name, n.subject) AS subject_zh,
    coalesce(a.name_en, n.subject_name, n.subject) AS subject_en
FROM v_plan_targets AS t
LEFT JOIN newest AS n USING (id)
LEFT JOIN running AS l ON l.lane = n.lane AND l.id = n.id AND l.subject = n.subject
LEFT JOIN LATERAL (
    SELECT name_zh, name_en
    FROM assets
    WHERE asset_id = n.subject AND coalesce(feed, n.feed) = n.feed
    ORDER BY is_device, kind
    LIMIT 1
) AS a ON true;
COMMENT ON VIEW v_target_states IS 'Each target with the figure of the last period that is over of each of its subjects (is_running: there is none yet, so it is the one that runs), and the running period beside it; status is met, not_met or cannot_say; target, subject and unit in Chinese and English.';

CREATE OR REPLACE VIEW v_plan_versions AS
SELECT DISTINCT ON (p.kind, p.document_id, p.version)
    p.kind,
    p.document_id,
    p.version,
    p.document -> p.kind ->> 'name' AS name,
    p.valid_from,
    p.valid_to,
    p.origin,
    p.published_at,
    p.published_by,
    p.text_sha256,
    coalesce(p.document -> p.kind ->> 'name_zh', w.text_zh, p.document -> p.kind ->> 'name') AS name_zh
FROM plan_versions AS p
LEFT JOIN words AS w ON w.kind = 'document_name' AND w.code = p.document_id
ORDER BY p.kind, p.document_id, p.version, p.published_at DESC;
COMMENT ON VIEW v_plan_versions IS 'Versions of plan, standards and policies with the dates they are in force and their names; the last publication of each.';
