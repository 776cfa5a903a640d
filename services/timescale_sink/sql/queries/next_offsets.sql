-- Next offset of each partition of one topic; locks them for this transaction.
SELECT partition, next_offset
FROM sink_progress
WHERE cluster_id = $1 AND topic = $2
FOR UPDATE
