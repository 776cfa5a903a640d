-- A device's readings of a span; of more than the most, every second, third … one.
SELECT *
FROM (
    SELECT r.*, row_number() OVER (ORDER BY r.observed_at, r.kafka_offset) AS place, count(*) OVER () AS readings
    FROM v_{feed}_readings AS r
    WHERE r.lane = $1
        AND r.device_id = $2
        AND r.observed_at >= $3
        AND r.observed_at < $4
        AND ($5::timestamptz IS NULL OR r.stored_at <= $5)
) AS numbered
WHERE (place - 1) % (1 + (readings - 1) / $6::bigint) = 0
ORDER BY place
