-- Keep each revision of an indicator over a period; a repeat is recognised by its key.
INSERT INTO indicator_history (
    lane, id, feed, subject, subject_name, period_start, period_end, revision, known_at, value, unit, status,
    status_reason, n, completeness, threshold, details,
    status_reason_zh
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::int[],
    $9::timestamptz[], $10::float8[], $11::text[], $12::text[], $13::text[], $14::int[], $15::float8[], $16::jsonb[],
    $17::jsonb[], $18::text[]
)
ON CONFLICT (lane, id, subject, period_start, period_end, revision) DO NOTHING
