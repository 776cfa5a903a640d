-- Gaps of a cluster of which the operator has not taken note, or whose alert is not what it should be.
SELECT topic, partition, first_offset, before_offset, why, since, until, noticed_at, acknowledged_at, told
FROM log_gaps
WHERE cluster_id = $1 AND (acknowledged_at IS NULL OR told < 2)
ORDER BY noticed_at, topic, partition, first_offset
