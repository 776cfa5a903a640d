-- Note runs of numbers as stored. A segment into which somebody else has written one of them meanwhile is not counted.
INSERT INTO reading_ledger AS l (feed, lane, device_id, boot_id, segment, stored)
SELECT $1, k.lane, k.device_id, k.boot_id, k.segment, range_agg(int8range(k.first, k.before))
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS k (lane, device_id, boot_id, segment, first, before)
GROUP BY k.lane, k.device_id, k.boot_id, k.segment
ORDER BY k.lane, k.device_id, k.boot_id, k.segment
ON CONFLICT (feed, lane, device_id, boot_id, segment) DO UPDATE SET
    stored = l.stored + excluded.stored,
    gone = l.gone - excluded.stored
WHERE NOT l.stored && excluded.stored
