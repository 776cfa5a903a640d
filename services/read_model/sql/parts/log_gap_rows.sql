SELECT
    cluster_id,
    topic,
    partition,
    first_offset,
    last_offset,
    records,
    why,
    since,
    until,
    noticed_at,
    acknowledged_at,
    acknowledged_by
FROM v_log_gaps
