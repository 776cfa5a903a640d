-- Readings of real life in a span of measuring time, in its order; what was imported was never in Kafka.
SELECT *
FROM v_{feed}_readings
WHERE lane = $1
    AND observed_at >= $2
    AND observed_at < $3
ORDER BY observed_at, device_id, boot_id, seq
