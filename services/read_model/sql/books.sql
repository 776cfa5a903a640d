-- The books of each feed.
SELECT feed, received, stored, duplicates, dead_lettered, difference, in_flight, updated_at, lost_records
FROM v_ledger
WHERE $1::text IS NULL OR feed = $1
ORDER BY feed
