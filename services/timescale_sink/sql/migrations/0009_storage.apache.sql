-- Apache edition: what the hypertables take. Nothing is compressed.
CREATE VIEW v_storage AS
SELECT
    h.hypertable_name::text AS relation,
    h.num_chunks AS chunks,
    0::bigint AS compressed_chunks,
    s.total_bytes AS bytes,
    NULL::bigint AS before_bytes,
    NULL::bigint AS after_bytes
FROM timescaledb_information.hypertables AS h
CROSS JOIN LATERAL hypertable_detailed_size(format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass) AS s
WHERE h.hypertable_schema = 'public';
