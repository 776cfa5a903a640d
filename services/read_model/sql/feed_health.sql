-- Health of each feed.
SELECT feed, registered, known, heard, last_seen_at, readings_per_s, completeness FROM v_feed_health ORDER BY feed
