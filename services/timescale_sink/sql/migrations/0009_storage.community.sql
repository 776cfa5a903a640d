-- Community edition: what the hypertables and rollups take, and what the columnstore made of the chunks that it holds.
CREATE VIEW v_storage AS
SELECT
    coalesce(c.view_name, h.hypertable_name)::text AS relation,
    h.num_chunks AS chunks,
    coalesce(k.number_compressed_chunks, 0)::bigint AS compressed_chunks,
    s.total_bytes AS bytes,
    k.before_compression_total_bytes AS before_bytes,
    k.after_compression_total_bytes AS after_bytes
FROM timescaledb_information.hypertables AS h
LEFT JOIN timescaledb_information.continuous_aggregates AS c
    ON c.materialization_hypertable_schema = h.hypertable_schema AND c.materialization_hypertable_name = h.hypertable_name
CROSS JOIN LATERAL (
    SELECT sum(total_bytes)::bigint AS total_bytes
    FROM hypertable_detailed_size(format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass)
) AS s
LEFT JOIN LATERAL hypertable_compression_stats(format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass) AS k ON TRUE
WHERE h.hypertable_schema = 'public' OR c.view_name IS NOT NULL;
