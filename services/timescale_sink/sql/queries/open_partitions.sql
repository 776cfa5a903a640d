-- Begin the progress of partitions that have none; waits for another sink that is doing so.
INSERT INTO sink_progress (cluster_id, topic, partition, next_offset)
SELECT $1, *, 0
FROM unnest($2::text[], $3::int[])
ON CONFLICT DO NOTHING
