-- Retire what the register no longer names.
UPDATE assets AS a
SET retired_at = clock_timestamp()
WHERE a.retired_at IS NULL AND NOT EXISTS (
    SELECT FROM unnest($1::text[], $2::text[]) AS k (kind, asset_id)
    WHERE k.kind = a.kind AND k.asset_id = a.asset_id
)
RETURNING a.kind, a.asset_id
