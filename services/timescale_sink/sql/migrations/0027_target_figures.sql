-- Figures that people enter for targets without telemetry, and where each target of the plan stands.

-- One row a revision, from the records of `target-figures` alone: a replay of the topic repeats the table.
CREATE TABLE target_figures (
    figure_id text PRIMARY KEY,
    target_id text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    revision integer NOT NULL,
    corrects text,
    value double precision NOT NULL,
    unit text NOT NULL,
    recorded_on date NOT NULL,
    source_title text NOT NULL,
    source_number text NOT NULL,
    source_page integer,
    source_sha256 text,
    note text NOT NULL,
    plan_id text NOT NULL,
    plan_version text NOT NULL,
    entered_by text NOT NULL,
    entered_by_name text NOT NULL,
    entered_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_by_name text,
    confirmed_at timestamptz,
    kafka_offset bigint NOT NULL,
    UNIQUE (target_id, period_start, period_end, revision),
    CHECK (confirmed_by <> entered_by)
);
COMMENT ON TABLE target_figures IS 'Revisions of figures that people entered for targets of the plan; a revision counts once somebody else has confirmed it.';

CREATE VIEW v_target_figures AS SELECT * FROM target_figures;
COMMENT ON VIEW v_target_figures IS 'Figures that people entered for targets of the plan, every revision: period (local days, inclusive), value, source document, who entered and who confirmed it. It is known from confirmed_at on.';

-- Written again by the sink whenever it looks; what decides is services/plan_office/standing.py, which the API asks as well.
CREATE TABLE target_standings (
    id text NOT NULL,
    subject text NOT NULL,
    plan_id text NOT NULL,
    plan_version text NOT NULL,
    day date NOT NULL,
    holds text,
    standing text NOT NULL,
    reason_zh text NOT NULL,
    reason_en text NOT NULL,
    value double precision,
    value_on date,
    expected double precision,
    expected_then double precision,
    rate_needed double precision,
    PRIMARY KEY (id, subject)
);
COMMENT ON TABLE target_standings IS 'Where each target stands at the end of a local day, by subject (empty: it has none): on_track, behind, met, missed or cannot_say, with the path''s value, and the change a year that would still be needed.';

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
    CASE t.checked_by WHEN 'reported' THEN s.value ELSE n.value END AS value,
    CASE
        WHEN t.checked_by <> 'reported' THEN coalesce(n.status, 'cannot_say')
        WHEN s.standing = 'met' THEN 'met'
        WHEN s.standing = 'missed' THEN 'not_met'
        ELSE 'cannot_say'
    END AS status,
    coalesce(
        CASE t.checked_by WHEN 'reported' THEN s.reason_en ELSE n.status_reason END,
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
        WHEN t.checked_by = 'reported' AND s.id IS NOT NULL THEN s.reason_zh
        WHEN n.id IS NOT NULL AND t.checked_by <> 'reported' THEN n.status_reason_zh
        WHEN t.checked_by = 'reported' THEN '由规划部门填报，尚未填报。'
        ELSE '该指标尚无任何时段得出结论。'
    END AS status_reason_zh,
    t.page_zh,
    s.holds,
    s.standing,
    s.reason_en AS standing_reason,
    s.reason_zh AS standing_reason_zh,
    s.value AS standing_value,
    s.value_on AS standing_on,
    s.expected,
    s.expected_then,
    s.rate_needed
FROM v_plan_targets AS t
LEFT JOIN newest AS n USING (id)
LEFT JOIN running AS l ON l.lane = n.lane AND l.id = n.id AND l.subject = n.subject
LEFT JOIN target_standings AS s
    ON s.id = t.id AND s.subject = coalesce(n.subject, '') AND coalesce(n.lane, 'live') = 'live'
        AND s.plan_id = t.plan_id AND s.plan_version = t.plan_version
LEFT JOIN LATERAL (
    SELECT name_zh, name_en
    FROM assets
    WHERE asset_id = n.subject AND coalesce(feed, n.feed) = n.feed
    ORDER BY is_device, kind
    LIMIT 1
) AS a ON true;
COMMENT ON VIEW v_target_states IS 'Each target with the figure of the last period that is over of each of its subjects (is_running: there is none yet, so it is the one that runs), and the running period beside it; status is met, not_met or cannot_say, standing is where it stands on its way to the due date. Of a target that people report, value and status are those of its standing. Target, subject, unit, reason and page in Chinese and English.';
