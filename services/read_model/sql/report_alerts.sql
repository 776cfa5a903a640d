-- Alerts of real life that cite some targets and began in a span, each in its last revision that was stored by a moment.
SELECT
    t.id AS target_id,
    k.alert_id,
    k.rule,
    k.place,
    k.severity,
    k.started_at,
    k.ended_at,
    k.text_zh,
    k.text_en,
    k.stored_at
FROM v_alerts AS a
CROSS JOIN LATERAL (
    SELECT * FROM v_alert_events AS q
    WHERE q.alert_id = a.alert_id AND q.stored_at <= $4
    ORDER BY q.revision DESC
    LIMIT 1
) AS k
JOIN unnest($1::text[]) AS t (id)
    ON k.threshold ->> 'id' = t.id OR coalesce(k.data -> 'limits', '[]') @> jsonb_build_array(jsonb_build_object('id', t.id))
WHERE a.lane = 'live'
    -- Late data may have moved a beginning since, by less than the lateness bound.
    AND a.started_at >= $2::timestamptz - INTERVAL '31 days'
    AND a.started_at < $3::timestamptz + INTERVAL '31 days'
    AND k.started_at >= $2
    AND k.started_at < $3
    AND k.event <> 'retracted'
ORDER BY t.id, k.severity, k.started_at, k.alert_id
