-- Gaps in Kafka's logs that nobody has taken note of, the oldest first.
{log_gap_rows}
WHERE acknowledged_at IS NULL AND ($1::text IS NULL OR topic = $1) AND ($2::integer IS NULL OR partition = $2)
ORDER BY noticed_at, topic, partition, first_offset
