-- Readings of a run that were refused, by reason; what only its judging refused is stored.
SELECT feed, reason, device_id, boot_id, seq
FROM v_dead_letters
WHERE lane = $1 AND starts_with(boot_id, $2) AND seq IS NOT NULL AND source <> 'stream_processors'
GROUP BY feed, reason, device_id, boot_id, seq
