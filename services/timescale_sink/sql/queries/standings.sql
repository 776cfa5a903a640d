-- Keep where each target stands.
INSERT INTO target_standings AS s (
    id, subject, plan_id, plan_version, day, holds, standing, reason_zh, reason_en, value, value_on, expected,
    expected_then, rate_needed, path
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::float8[], $11::date[], $12::float8[], $13::float8[], $14::float8[], $15::jsonb[]
)
ON CONFLICT (id, subject) DO UPDATE SET
    plan_id = excluded.plan_id,
    plan_version = excluded.plan_version,
    day = excluded.day,
    holds = excluded.holds,
    standing = excluded.standing,
    reason_zh = excluded.reason_zh,
    reason_en = excluded.reason_en,
    value = excluded.value,
    value_on = excluded.value_on,
    expected = excluded.expected,
    expected_then = excluded.expected_then,
    rate_needed = excluded.rate_needed,
    path = excluded.path
WHERE (s.*) IS DISTINCT FROM (excluded.*)
