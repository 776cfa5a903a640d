-- Add what one round took in to its minute.
INSERT INTO intake_minutes AS m (
    minute, feed, readings, stored, duplicates, dead_lettered, live, arrival_s_sum, arrival_s_max, storing_s_sum,
    storing_s_max
)
SELECT date_trunc('minute', now()), * FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::float8[], $8::float8[],
    $9::float8[], $10::float8[]
)
ON CONFLICT (minute, feed) DO UPDATE SET
    readings = m.readings + excluded.readings,
    stored = m.stored + excluded.stored,
    duplicates = m.duplicates + excluded.duplicates,
    dead_lettered = m.dead_lettered + excluded.dead_lettered,
    live = m.live + excluded.live,
    arrival_s_sum = m.arrival_s_sum + excluded.arrival_s_sum,
    arrival_s_max = greatest(m.arrival_s_max, excluded.arrival_s_max),
    storing_s_sum = m.storing_s_sum + excluded.storing_s_sum,
    storing_s_max = greatest(m.storing_s_max, excluded.storing_s_max)
