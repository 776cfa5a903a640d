-- Writing an alert costs the same however many there are and however many are open. Of the open alerts of one rule and
-- asset each names the next later one, where it named the latest: one that comes, moves or ends changes itself and its
-- neighbour, and both are found by an index.

DROP INDEX one_open_alert;

UPDATE alerts AS a
SET superseded_by = o.next_id
FROM (
    SELECT
        alert_id,
        lead(alert_id) OVER (PARTITION BY lane, rule, asset ORDER BY started_at, alert_id) AS next_id
    FROM alerts
    WHERE ended_at IS NULL AND event <> 'retracted'
) AS o
WHERE a.alert_id = o.alert_id AND a.superseded_by IS DISTINCT FROM o.next_id;

UPDATE alerts
SET superseded_by = NULL
WHERE superseded_by IS NOT NULL AND (ended_at IS NOT NULL OR event = 'retracted');

CREATE UNIQUE INDEX one_open_alert ON alerts (lane, rule, asset)
    WHERE ended_at IS NULL AND event <> 'retracted' AND superseded_by IS NULL;
CREATE INDEX alerts_open ON alerts (lane, rule, asset, started_at, alert_id)
    WHERE ended_at IS NULL AND event <> 'retracted';
CREATE INDEX alerts_superseded ON alerts (superseded_by) WHERE superseded_by IS NOT NULL;

COMMENT ON COLUMN alerts.superseded_by IS
    'The next later alert of the same rule and asset that is open as well; the last of them is what operators see.';
