-- Dead letters of a replay with their reasons, in the order in which they came.
SELECT device_id, seq, reason, detail
FROM v_dead_letters
WHERE boot_id = $1 AND source <> 'stream_processors'
ORDER BY received_at
