-- Stored readings of a replay by quality.
SELECT quality, count(*) AS n FROM v_{feed}_readings WHERE lane = $1 AND boot_id = $2 AND observed_at BETWEEN $3 AND $4 GROUP BY quality
