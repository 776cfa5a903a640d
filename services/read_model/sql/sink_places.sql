-- The sink's place in each partition, and for how long it has not moved.
SELECT
    cluster_id,
    topic,
    partition,
    next_offset,
    ticks,
    last_timestamp,
    proof_offset,
    proof_timestamp,
    extract(epoch FROM now() - updated_at)::float8 AS idle_seconds
FROM v_sink_progress
