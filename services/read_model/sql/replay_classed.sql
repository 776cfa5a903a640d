-- How many samples of a replay have their class.
SELECT count(*) AS n FROM v_indicators WHERE lane = $1 AND id = $2 AND sample_boot_id = $3
