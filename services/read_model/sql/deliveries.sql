-- Attempts to hand an event to a subscriber, the newest in front, behind a key.
SELECT
    event_id,
    alert_id,
    event,
    feed,
    asset,
    lane,
    subscriber,
    attempt,
    redelivery,
    outcome,
    http_status,
    at,
    seconds,
    waited_seconds,
    next_at,
    event_topic AS topic,
    event_partition AS partition,
    event_offset AS "offset",
    detail
FROM v_deliveries
WHERE ($1::text IS NULL OR subscriber = $1)
    AND ($2::text IS NULL OR lane = $2)
    AND ($3::text[] IS NULL OR outcome = ANY ($3))
    AND ($4::text IS NULL OR alert_id = $4)
    AND ($5::text IS NULL OR event_id = $5)
    AND ($6::timestamptz IS NULL OR at >= $6)
    AND ($7::timestamptz IS NULL OR at < $7)
    AND ($8::timestamptz IS NULL OR (at <= $8
        AND (at < $8 OR (subscriber, event_id, attempt, outcome) > ($9::text, $10::text, $11::integer, $12::text))))
ORDER BY at DESC, subscriber, event_id, attempt, outcome
LIMIT $13
