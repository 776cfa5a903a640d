-- Stored readings of a replay by quality code.
SELECT code, count(*) AS n
FROM v_{feed}_readings, unnest(quality_codes) AS code
WHERE lane = $1 AND boot_id = $2 AND observed_at BETWEEN $3 AND $4
GROUP BY code
