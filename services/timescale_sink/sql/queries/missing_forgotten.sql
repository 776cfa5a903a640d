-- Gaps that closed by themselves before anything was said are no story to keep.
DELETE FROM readings_missing WHERE told = 0 AND ended_at IS NOT NULL AND acknowledged_by IS NULL
