-- Add what one batch did to each partition.
INSERT INTO sink_progress AS p (
    cluster_id, topic, partition, next_offset, readings, stored, duplicates, dead_lettered, ticks, end_offset, last_timestamp,
    proof_offset, proof_timestamp
)
SELECT $1, *
FROM unnest(
    $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]
)
ON CONFLICT (cluster_id, topic, partition) DO UPDATE SET
    next_offset = greatest(p.next_offset, excluded.next_offset),
    readings = p.readings + excluded.readings,
    stored = p.stored + excluded.stored,
    duplicates = p.duplicates + excluded.duplicates,
    dead_lettered = p.dead_lettered + excluded.dead_lettered,
    ticks = p.ticks + excluded.ticks,
    end_offset = coalesce(excluded.end_offset, p.end_offset),
    last_timestamp = excluded.last_timestamp,
    proof_offset = excluded.proof_offset,
    proof_timestamp = excluded.proof_timestamp,
    updated_at = now()
