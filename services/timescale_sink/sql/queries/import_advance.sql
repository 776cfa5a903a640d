-- Add what one batch of a part did.
UPDATE imports
SET next_at = $3,
    lines = lines + $4,
    stored = stored + $5,
    duplicates = duplicates + $6,
    refused = refused + $7,
    earliest = least(earliest, $8),
    latest = greatest(latest, $9),
    updated_at = now()
WHERE source = $1 AND part_start = $2
RETURNING next_at, lines, stored, duplicates, refused
