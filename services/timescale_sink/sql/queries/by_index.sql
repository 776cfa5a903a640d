-- Alerts are found by key alone, also by a plan that was made when the table was small.
SELECT set_config('enable_seqscan', 'off', TRUE)
