-- Go on elsewhere in a partition: behind what is gone, or at the beginning of a topic that was made anew. Counts stay.
UPDATE sink_progress
SET next_offset = $4, end_offset = $5, last_timestamp = NULL, proof_offset = NULL, proof_timestamp = NULL,
    updated_at = now()
WHERE cluster_id = $1 AND topic = $2 AND partition = $3
