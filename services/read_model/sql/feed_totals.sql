-- Totals of each feed.
SELECT feed, devices, readings, stored, duplicates, dead_lettered FROM v_feed_totals
