-- Keep attempts to hand events on; a repeat of the same attempt is known by what it says.
INSERT INTO alert_deliveries (
    event_id, alert_id, event, feed, asset, lane, subscriber, attempt, redelivery, outcome, http_status, at, seconds,
    waited_seconds, next_at, event_partition, event_offset, event_topic, detail, kafka_partition, kafka_offset
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::boolean[],
    $10::text[], $11::int[], $12::timestamptz[], $13::float8[], $14::float8[], $15::timestamptz[], $16::int[],
    $17::bigint[], $18::text[], $19::text[], $20::int[], $21::bigint[]
)
ON CONFLICT (event_id, subscriber, attempt, at, outcome) DO NOTHING
