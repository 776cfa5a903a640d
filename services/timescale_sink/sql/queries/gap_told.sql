-- The alert of a gap is in Kafka: 1 raised, 2 resolved.
UPDATE log_gaps
SET told = greatest(told, $6)
WHERE cluster_id = $1 AND topic = $2 AND partition = $3 AND noticed_at = $4 AND first_offset = $5
