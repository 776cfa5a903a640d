-- Silences and their ends since a moment, in the order of the log.
SELECT * FROM v_alert_actions
WHERE alert_id IS NULL AND at > $1
ORDER BY kafka_partition, kafka_offset
