-- Next offset of each partition of some topics; locks them for this transaction.
SELECT topic, partition, next_offset
FROM sink_progress
WHERE cluster_id = $1 AND topic = ANY ($2)
ORDER BY topic, partition
FOR UPDATE
