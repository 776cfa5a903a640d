-- How many readings of a topic the sink has handled.
SELECT coalesce(sum(readings), 0)::bigint AS n FROM v_sink_progress WHERE topic = $1
