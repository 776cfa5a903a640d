-- Of runs of numbers, given by segment: those that are stored, with the place of their segment in the list.
SELECT k.place, lower(o) AS first, upper(o) AS before
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
    WITH ORDINALITY AS k (lane, device_id, boot_id, segment, first, before, place)
JOIN reading_ledger AS l
    ON l.feed = $1 AND l.lane = k.lane AND l.device_id = k.device_id AND l.boot_id = k.boot_id AND l.segment = k.segment
CROSS JOIN LATERAL unnest(l.stored * int8multirange(int8range(k.first, k.before))) AS o
