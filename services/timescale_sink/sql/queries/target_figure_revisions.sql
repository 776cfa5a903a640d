-- Revisions of one figure: of a target and a period.
SELECT * FROM target_figures WHERE target_id = $1 AND period_start = $2 AND period_end = $3
