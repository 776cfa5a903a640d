-- The class of each sample of a replay.
SELECT sample_device_id, sample_seq, value, status_reason, details
FROM v_indicators
WHERE lane = $1 AND id = $2 AND sample_boot_id = $3
