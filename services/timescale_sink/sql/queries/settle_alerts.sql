-- … then the latest steps forward, and what is closed is superseded by nothing.
UPDATE alerts AS a
SET superseded_by = NULL
WHERE a.lane = $1 AND a.rule = $2 AND a.asset = $3 AND a.superseded_by IS NOT NULL
    AND (
        a.ended_at IS NOT NULL
        OR a.event = 'retracted'
        OR NOT EXISTS (
            SELECT FROM alerts AS b
            WHERE b.lane = a.lane AND b.rule = a.rule AND b.asset = a.asset AND b.alert_id <> a.alert_id
                AND b.ended_at IS NULL AND b.event <> 'retracted'
                AND (b.started_at, b.alert_id) > (a.started_at, a.alert_id)
        )
    )
