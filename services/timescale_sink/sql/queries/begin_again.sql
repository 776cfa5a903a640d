-- Of partitions with their ends in Kafka: start again at 0 where we claim to be beyond the end. Counts stay.
UPDATE sink_progress AS p
SET next_offset = 0, updated_at = now()
FROM unnest($2::text[], $3::int[], $4::bigint[]) AS k (topic, partition, end_offset)
WHERE p.cluster_id = $1 AND p.topic = k.topic AND p.partition = k.partition AND p.next_offset > k.end_offset
RETURNING p.topic, p.partition
