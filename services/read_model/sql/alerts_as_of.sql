-- Alerts of a lane that were open at a moment as was known then, the worst first, then the newest.
WITH candidates AS (
    -- What is open still, and what was stored afterwards of one that had been raised before: nothing else can have been open.
    SELECT o.alert_id FROM v_alerts AS o WHERE o.lane = $1 AND o.ended_at IS NULL AND o.event <> 'retracted'
    UNION
    SELECT e.alert_id FROM v_alert_events AS e WHERE e.stored_at > $2 AND e.lane = $1 AND e.revision > 0
),
known AS (
    SELECT e.*
    FROM candidates AS c
    CROSS JOIN LATERAL (
        SELECT * FROM v_alert_events AS q
        WHERE q.alert_id = c.alert_id AND q.stored_at <= $2
        ORDER BY q.revision DESC
        LIMIT 1
    ) AS e
),
open_then AS (
    -- Of several of one rule and asset the last stands for all.
    SELECT DISTINCT ON (k.rule, k.asset) k.*
    FROM known AS k
    WHERE k.ended_at IS NULL AND k.event <> 'retracted'
    ORDER BY k.rule, k.asset, k.started_at DESC, k.alert_id DESC
)
SELECT
    a.lane,
    a.alert_id,
    a.revision,
    a.event,
    a.feed,
    a.rule,
    a.asset,
    a.place,
    a.severity,
    a.started_at,
    a.raised_at,
    a.ended_at,
    a.observed_value,
    a.observed_unit,
    (a.threshold ->> 'value')::double precision AS threshold_value,
    a.threshold ->> 'unit' AS threshold_unit,
    a.threshold ->> 'comparator' AS threshold_comparator,
    a.threshold -> 'source' ->> 'kind' AS source_kind,
    a.threshold -> 'source' ->> 'id' AS source_id,
    a.threshold -> 'source' ->> 'version' AS source_version,
    a.threshold -> 'source' ->> 'where' AS source_where,
    a.text_zh,
    a.text_en,
    nullif(a.evidence, 'null') AS evidence,
    NULL AS superseded_by,
    coalesce(a.data -> 'suppression', 'null') <> 'null' AS suppressed,
    nullif(a.data -> 'suppression', 'null') AS suppression,
    coalesce(a.data -> 'members', '[]') AS members,
    coalesce(a.data -> 'limits', '[]') AS limits,
    p.asset_kind,
    coalesce(p.asset_name_zh, a.place) AS asset_name_zh,
    coalesce(p.asset_name_en, a.place) AS asset_name_en,
    p.zone,
    p.longitude,
    p.latitude,
    CASE
        WHEN l.closed_at IS NOT NULL AND a.severity COLLATE "C" >= l.closed_severity THEN 'closed'
        WHEN l.acknowledged_at IS NOT NULL THEN 'acknowledged'
        ELSE 'open'
    END AS standing,
    l.seen,
    l.acknowledged_at,
    l.acknowledged_by,
    l.acknowledged_by_name,
    l.assignee,
    l.closed_at,
    l.closed_by,
    l.closed_by_name,
    l.closed_words,
    l.escalated_at,
    l.received_by,
    extract(epoch FROM l.acknowledged_at - a.raised_at)::double precision AS time_to_acknowledge_s,
    NULL::double precision AS time_to_resolve_s
FROM open_then AS a
LEFT JOIN v_alert_places AS p ON p.alert_id = a.alert_id
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE d.kind IN ('acknowledge', 'assign', 'close'))::integer AS seen,
        (array_agg(d.at ORDER BY d.seen) FILTER (WHERE d.kind IN ('acknowledge', 'assign')))[1] AS acknowledged_at,
        (array_agg(d.by ORDER BY d.seen) FILTER (WHERE d.kind IN ('acknowledge', 'assign')))[1] AS acknowledged_by,
        (array_agg(d.by_name ORDER BY d.seen) FILTER (WHERE d.kind IN ('acknowledge', 'assign')))[1]
            AS acknowledged_by_name,
        (array_agg(d.assignee ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'assign'))[1] AS assignee,
        (array_agg(d.at ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_at,
        (array_agg(d.by ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_by,
        (array_agg(d.by_name ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_by_name,
        (array_agg(d.words ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_words,
        (array_agg(d.severity ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_severity,
        (array_agg(d.at ORDER BY d.stored_at, d.kafka_offset) FILTER (WHERE d.kind = 'escalate'))[1] AS escalated_at,
        array_agg(DISTINCT d.by) FILTER (WHERE d.kind = 'receive' AND d.actor = 'consumer') AS received_by
    FROM v_alert_actions AS d
    WHERE d.alert_id = a.alert_id AND d.fate = 'counts' AND d.stored_at <= $2
) AS l
ORDER BY a.severity, a.started_at DESC, a.alert_id
LIMIT $3
