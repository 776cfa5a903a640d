-- Begin a part of a file, unless it was begun before.
INSERT INTO imports (source, part_start, part_end, file, feed, next_at)
VALUES ($1, $2, $3, $4, $5, $2)
ON CONFLICT (source, part_start) DO NOTHING
