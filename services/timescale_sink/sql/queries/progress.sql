-- How far the sink has come in some partitions.
SELECT topic, partition, next_offset
FROM sink_progress
WHERE cluster_id = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))
