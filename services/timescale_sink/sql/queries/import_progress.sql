-- How far a part of a file has come.
SELECT next_at, lines, stored, duplicates, refused
FROM imports
WHERE source = $1 AND part_start = $2
