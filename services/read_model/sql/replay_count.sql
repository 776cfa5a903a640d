-- How many readings of a replay are stored.
SELECT count(*) AS n FROM v_{feed}_readings WHERE lane = $1 AND boot_id = $2 AND observed_at BETWEEN $3 AND $4
