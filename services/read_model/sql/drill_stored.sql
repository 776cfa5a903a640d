-- How many readings of a run are stored in its lane.
SELECT count(*) AS n FROM v_{feed}_readings WHERE lane = $1 AND starts_with(boot_id, $2)
