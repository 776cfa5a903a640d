-- Dead letters of a replay by reading, and which service wrote them; what only its judging refused is stored.
SELECT device_id, seq, max(source) AS source, count(*) AS n
FROM v_dead_letters
WHERE boot_id = $1 AND device_id IS NOT NULL AND seq IS NOT NULL AND source <> 'stream_processors'
GROUP BY device_id, seq
