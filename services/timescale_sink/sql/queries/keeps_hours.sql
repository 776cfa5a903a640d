-- Whether the sink keeps the hours of readings: on the community edition continuous aggregates do.
SELECT to_regclass('public.rollup_marks') IS NOT NULL
