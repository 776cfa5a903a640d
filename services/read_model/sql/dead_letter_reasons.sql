-- Dead letters by source, feed and reason.
SELECT source, feed, reason, sum(n)::bigint AS n FROM v_dead_letter_reasons GROUP BY 1, 2, 3
