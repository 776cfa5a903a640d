-- Keep actions with what became of them. One that did not count is replaced when the same id comes again and counts.
INSERT INTO alert_actions AS a (
    action_id, kind, at, actor, by, by_name, lane, asset, alert_id, alert_revision, rule, feed, place, zone, severity,
    raised_at, seen, assignee, scope, until, words, fate, kafka_partition, kafka_offset, said_at
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::int[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::int[],
    $18::text[], $19::text[], $20::timestamptz[], $21::text[], $22::text[], $23::int[], $24::bigint[],
    $25::timestamptz[]
)
ON CONFLICT (action_id, alert_id) DO UPDATE SET
    kind = excluded.kind,
    at = excluded.at,
    actor = excluded.actor,
    by = excluded.by,
    by_name = excluded.by_name,
    lane = excluded.lane,
    asset = excluded.asset,
    alert_revision = excluded.alert_revision,
    rule = excluded.rule,
    feed = excluded.feed,
    place = excluded.place,
    zone = excluded.zone,
    severity = excluded.severity,
    raised_at = excluded.raised_at,
    said_at = excluded.said_at,
    seen = excluded.seen,
    assignee = excluded.assignee,
    words = excluded.words,
    fate = excluded.fate,
    kafka_partition = excluded.kafka_partition,
    kafka_offset = excluded.kafka_offset,
    stored_at = clock_timestamp()
WHERE a.fate <> 'counts' AND excluded.fate = 'counts'
