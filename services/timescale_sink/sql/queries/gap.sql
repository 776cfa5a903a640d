-- Note records that were gone before they were stored.
INSERT INTO log_gaps (cluster_id, topic, partition, first_offset, before_offset, why, since, until)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0), $8)
