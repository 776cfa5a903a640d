-- Bring alerts forward that no later one supersedes.
UPDATE alerts SET superseded_by = NULL WHERE alert_id = ANY($1::text[])
