-- Next offset of some partitions; locks them for this transaction, and no others.
SELECT topic, partition, next_offset, end_offset, last_timestamp, proof_offset, proof_timestamp
FROM sink_progress
WHERE cluster_id = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))
ORDER BY topic, partition
FOR UPDATE
