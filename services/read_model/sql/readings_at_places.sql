-- Readings of a lane by their places in a partition; of some devices and of a span where these are given.
SELECT *
FROM v_{feed}_readings
WHERE lane = $1
    AND kafka_partition = $2
    AND kafka_offset = ANY ($3::bigint[])
    AND ($4::text[] IS NULL OR device_id = ANY ($4))
    AND ($5::timestamptz IS NULL OR observed_at >= $5)
    AND ($6::timestamptz IS NULL OR observed_at < $6)
ORDER BY observed_at, kafka_offset
