-- Revisions of figures that people entered, of one target when one is named, known by a moment: entered, not yet confirmed ones as well.
SELECT *
FROM v_target_figures
WHERE ($1::text IS NULL OR target_id = $1) AND ($2::timestamptz IS NULL OR entered_at <= $2)
ORDER BY target_id, period_start, period_end, revision
