-- Why a figure is met, missed or cannot be said, in Chinese beside the English of before; null in rows of older releases.

ALTER TABLE indicators ADD COLUMN status_reason_zh text;
ALTER TABLE indicator_history ADD COLUMN status_reason_zh text;
CREATE OR REPLACE VIEW v_indicators AS SELECT * FROM indicators;
CREATE OR REPLACE VIEW v_indicator_history AS SELECT * FROM indicator_history;

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
    coalesce(u.text_en, i ->> 'unit') AS unit_en,
    CASE jsonb_typeof(i -> 'page')
        WHEN 'array' THEN '第' || array_to_string(ARRAY(SELECT jsonb_array_elements_text(i -> 'page')), '、') || '页'
        ELSE '第' || (i ->> 'page') || '页'
    END AS page_zh
FROM (
    SELECT f.document_id, f.version, e.i, e.ordinality
    FROM in_force AS f, LATERAL jsonb_array_elements(f.document -> 'indicator') WITH ORDINALITY AS e (i, ordinality)
) AS p
-- A plan that was published before its targets had Chinese names has those of the same targets.
LEFT JOIN words AS n ON n.kind = 'indicator' AND n.code = i ->> 'id'
LEFT JOIN words AS u ON u.kind = 'unit' AND u.code = i ->> 'unit';
COMMENT ON VIEW v_plan_targets IS 'The quantified targets of each plan in force today, with page, comparator and due date; names, units and pages in Chinese and English.';

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
    coalesce(a.name_en, n.subject_name, n.subject) AS subject_en,
    CASE
        WHEN n.id IS NOT NULL THEN n.status_reason_zh
        WHEN t.checked_by = 'reported' THEN '由规划部门填报，尚未填报。'
        ELSE '该指标尚无任何时段得出结论。'
    END AS status_reason_zh,
    t.page_zh
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
COMMENT ON VIEW v_target_states IS 'Each target with the figure of the last period that is over of each of its subjects (is_running: there is none yet, so it is the one that runs), and the running period beside it; status is met, not_met or cannot_say; target, subject, unit, reason and page in Chinese and English.';
