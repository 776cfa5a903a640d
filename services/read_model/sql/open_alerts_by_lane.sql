-- How many alerts are open in each lane.
SELECT lane, count(*) AS n FROM v_open_alerts GROUP BY lane
