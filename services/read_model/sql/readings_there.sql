-- Whether any reading of a lane and span is still stored.
SELECT EXISTS (SELECT FROM v_{feed}_readings WHERE lane = $1 AND observed_at >= $2 AND observed_at < $3) AS there
