-- Take over indicators; only a revision that is not older replaces what is there.
INSERT INTO indicators AS i (
    lane, id, feed, subject, subject_name, period_start, period_end, value, unit, status, status_reason, n,
    completeness, threshold, revision, sample_device_id, sample_boot_id, sample_seq, sample_quality, details, evidence,
    known_at, status_reason_zh
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::float8[],
    $9::text[], $10::text[], $11::text[], $12::int[], $13::float8[], $14::jsonb[], $15::int[], $16::text[],
    $17::text[], $18::bigint[], $19::text[], $20::jsonb[], $21::jsonb[],
    $22::timestamptz[], $23::text[]
)
ON CONFLICT (lane, id, subject, period_start, period_end, sample_device_id, sample_boot_id, sample_seq) DO UPDATE SET
    subject_name = excluded.subject_name,
    value = excluded.value,
    unit = excluded.unit,
    status = excluded.status,
    status_reason = excluded.status_reason,
    status_reason_zh = excluded.status_reason_zh,
    n = excluded.n,
    completeness = excluded.completeness,
    threshold = excluded.threshold,
    revision = excluded.revision,
    sample_quality = excluded.sample_quality,
    details = excluded.details,
    evidence = excluded.evidence,
    known_at = excluded.known_at,
    stored_at = clock_timestamp()
WHERE i.revision <= excluded.revision
