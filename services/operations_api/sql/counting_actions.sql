-- Actions on these alerts that count, in the order of the log: an alert's actions are in one partition.
SELECT * FROM v_alert_actions
WHERE alert_id = ANY($1::text[]) AND fate = 'counts'
ORDER BY kafka_partition, kafka_offset
