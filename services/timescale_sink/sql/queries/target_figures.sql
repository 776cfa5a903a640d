-- Keep one revision of a figure that somebody entered; once more, who confirmed it.
INSERT INTO target_figures (
    figure_id, target_id, period_start, period_end, revision, corrects, value, unit, recorded_on, source_title,
    source_number, source_page, source_sha256, note, plan_id, plan_version, entered_by, entered_by_name, entered_at,
    confirmed_by, confirmed_by_name, confirmed_at, kafka_offset
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
ON CONFLICT (figure_id) DO UPDATE SET
    confirmed_by = excluded.confirmed_by,
    confirmed_by_name = excluded.confirmed_by_name,
    confirmed_at = excluded.confirmed_at,
    kafka_offset = excluded.kafka_offset
